// A QR code renders in the image: `openclaw dashboard --qr` in a container without a network, read back by a decoder outside of it.
// `npm run test:docker:qr` runs this alone.
import { beforeAll, expect, test } from "vitest";
import { docker } from "../src/controller/fixtures/docker.fixture.ts";
import { buildImage } from "./compose.fixture.ts";
import { readQrCode } from "./qr-code.fixture.ts";

const BUILD_MS_MAX = 600_000;
const IMAGE = process.env.OPENCLAW_IMAGE ?? "openclaw:local";
const ADDRESS = "http://192.0.2.7:18789/";

beforeAll(buildImage, BUILD_MS_MAX);

const dashboard = async (...options: string[]): Promise<string> =>
  await docker(
    "run",
    "--rm",
    "--network=none",
    `--env=OPENCLAW_DASHBOARD_URL=${ADDRESS}`,
    ...options,
    IMAGE,
    "dashboard",
    "--no-open",
    "--qr",
  );

test("the image prints the dashboard's address as a QR code, in colours of its own where there is a terminal", async () => {
  const [piped, shown] = await Promise.all([dashboard(), dashboard("--tty")]);
  expect(piped).not.toContain("\u001b");
  expect(readQrCode(piped, { background: "black" })).toBe(ADDRESS);
  for (const background of ["black", "white"] as const) expect(readQrCode(shown, { background })).toBe(ADDRESS);
});
