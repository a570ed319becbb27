// The workflow for a public forge runs what is in this repository, on both architectures, and gives its jobs no more rights than they need.
// Only the forge itself can tell that it runs there.
import { accessSync, constants, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { z } from "zod";

const Step = z.union([
  z.strictObject({ uses: z.string().regex(/^[\w-]+\/[\w-]+@v\d+$/), with: z.record(z.string(), z.unknown()).optional() }),
  z.strictObject({ run: z.string(), if: z.string().optional() }),
]);
const Job = z.looseObject({ "runs-on": z.string(), "timeout-minutes": z.union([z.number(), z.string()]), steps: z.array(Step) });
const Workflow = z.looseObject({
  on: z.looseObject({ schedule: z.array(z.strictObject({ cron: z.string() })) }),
  permissions: z.strictObject({ contents: z.literal("read") }),
  jobs: z.strictObject({
    test: Job.extend({
      strategy: z.looseObject({
        matrix: z.strictObject({ include: z.array(z.strictObject({ architecture: z.string(), runner: z.string() })) }),
      }),
    }),
    sbom: Job,
  }),
});

const document = parseDocument(readFileSync(".github/workflows/ci.yml", "utf8"), { strict: true });
const { jobs } = Workflow.parse(document.toJS());
const runs = Object.values(jobs).flatMap(({ steps }) => steps.flatMap((step) => ("run" in step ? [step] : [])));

test("it is YAML without a doubt, for amd64 and arm64", () => {
  expect([...document.errors, ...document.warnings]).toEqual([]);
  expect(jobs.test.strategy.matrix.include.map(({ architecture }) => architecture)).toEqual(["amd64", "arm64"]);
});

test("every script that it runs is there and can be run, .ci/full only by night", () => {
  const { scripts } = z.looseObject({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(readFileSync("package.json", "utf8")));
  const files = runs.map(({ run }) => run.split(" ")[0] ?? "").filter((program) => program.includes("/"));
  expect(files).toEqual([".ci/run", ".ci/full", "scripts/openclaw-image.sh"]);
  for (const file of files) accessSync(file, constants.X_OK);
  const named = runs.flatMap(({ run }) => /npm run (?:--silent )?(\S+)/.exec(run)?.[1] ?? []);
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  expect(runs.find(({ run }) => run === ".ci/full")?.if).toBe("github.event_name == 'schedule'");
  expect(runs.find(({ run }) => run === ".ci/run")?.if).toBe("github.event_name != 'schedule'");
});
