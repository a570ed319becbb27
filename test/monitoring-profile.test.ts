// Compose's profile `monitoring` as it is written down: confined, on loopback, out of the gateway's reach, and its files name each other rightly.
// That Prometheus scrapes with these files is prometheus.engine.test.ts's.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { DASHBOARD_PATH } from "./dashboard.fixture.ts";

const Service = z.looseObject({
  image: z.string(),
  hostname: z.string().optional(),
  profiles: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()),
  privileged: z.boolean().default(false),
});
const Compose = z.looseObject({ services: z.record(z.string(), Service) });
const Scrape = z.looseObject({
  job_name: z.string(),
  static_configs: z.array(z.object({ targets: z.array(z.string()) })).default([]),
});
const Prometheus = z.looseObject({ rule_files: z.array(z.string()), scrape_configs: z.array(Scrape) });
const DataSources = z.looseObject({ datasources: z.tuple([z.looseObject({ type: z.literal("prometheus"), url: z.string() })]) });
const Providers = z.looseObject({
  providers: z.tuple([z.looseObject({ type: z.literal("file"), options: z.object({ path: z.string() }) })]),
});

const FOLDER = "manifests/monitoring";
const read = (path: string): unknown => parse(readFileSync(path, "utf8"));
const { services } = Compose.parse(read("docker-compose.yml"));
const service = (name: string): z.output<typeof Service> => Service.parse(services[name]);
const profile = Object.entries(services).filter(([, { profiles }]) => profiles.includes("monitoring"));

test("Prometheus and Grafana start with the profile only, confined as the product's own services are, and listen on loopback", () => {
  expect(profile.map(([name]) => name)).toEqual(["openclaw-prometheus", "openclaw-grafana"]);
  for (const [name, made] of profile) {
    expect(made, name).toMatchObject({ profiles: ["monitoring"], read_only: true, cap_drop: ["ALL"], cap_add: [], privileged: false });
    expect(made.security_opt, name).toEqual(["no-new-privileges:true"]);
    expect(made.ports.length, name).toBe(1);
    for (const port of made.ports) expect(port, name).toMatch(/^127\.0\.0\.1:\$\{\w+:-\d+\}:\d+$/);
    for (const volume of made.volumes)
      expect(volume.startsWith("./") ? volume.endsWith(":ro") : /^openclaw-/.test(volume), volume).toBe(true);
    // Another registry is for the variable to say.
    expect(made.image, name).toMatch(/^\$\{OPENCLAW_\w+_IMAGE:-[a-z]+\/[a-z]+:v?\d+\.\d+\.\d+\}$/);
  }
});

test("the gateway reaches neither the controller nor Grafana: only Prometheus is on both networks", () => {
  const networks = Object.fromEntries(Object.entries(services).map(([name, made]) => [name, made.networks.toSorted()]));
  expect(networks).toMatchObject({
    "openclaw-gateway": ["default"],
    "openclaw-controller": ["ops"],
    "openclaw-prometheus": ["default", "ops"],
    "openclaw-grafana": ["ops"],
  });
});

test("Grafana takes no login, so that there is no password to guess", () => {
  expect(service("openclaw-grafana").environment).toMatchObject({
    GF_AUTH_ANONYMOUS_ENABLED: "true",
    GF_AUTH_BASIC_ENABLED: "false",
    GF_AUTH_DISABLE_LOGIN_FORM: "true",
    GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: "true",
  });
});

test("Prometheus finds the controller and the gateway by names that they answer to", () => {
  const { rule_files, scrape_configs } = Prometheus.parse(read(join(FOLDER, "prometheus.yml")));
  expect(rule_files.filter((file) => !existsSync(join(FOLDER, file)))).toEqual([]);
  expect(scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap(({ targets }) => targets))).toEqual([
    "openclaw-controller:9464",
  ]);
  expect(readFileSync(join(FOLDER, "start-prometheus.sh"), "utf8")).toContain('"targets": ["openclaw-gateway:%s"]');
  // It refuses other names than its own, as every gateway does.
  expect(service("openclaw-gateway").hostname).toBe("openclaw-gateway");
});

test("Grafana finds Prometheus and the dashboard where they are", () => {
  const provisioning = join(FOLDER, "grafana", "provisioning");
  const { datasources } = DataSources.parse(read(join(provisioning, "datasources", "prometheus.yml")));
  expect(datasources[0].url).toBe("http://openclaw-prometheus:9090");
  const { providers } = Providers.parse(read(join(provisioning, "dashboards", "openclaw.yml")));
  const { volumes, environment } = service("openclaw-grafana");
  expect(volumes).toContain(`./${join(DASHBOARD_PATH, "..")}:${providers[0].options.path}:ro`);
  expect(volumes).toContain(`./${provisioning}:/etc/grafana/provisioning:ro`);
  expect(environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(join(providers[0].options.path, basename(DASHBOARD_PATH)));
});
