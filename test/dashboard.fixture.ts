// The delivered Grafana dashboard as tests see it: its panels, those inside folded rows too, and their queries as Prometheus would get them.
// It asserts what Grafana needs of each field by parsing; what a good dashboard is, the tests say.
import { readFile } from "node:fs/promises";
import { z } from "zod";

export const DASHBOARD_PATH = "manifests/monitoring/grafana/dashboards/openclaw.json";

const DataSource = z.strictObject({ type: z.literal("prometheus"), uid: z.string().regex(/^\$\{datasource\}$/) });
const GridPosition = z.strictObject({
  h: z.int().positive(),
  w: z.int().positive().max(24),
  x: z.int().nonnegative(),
  y: z.int().nonnegative(),
});
const Query = z.looseObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource: DataSource,
  expr: z.string().min(1),
  legendFormat: z.string(),
});
/** Kinds that every Grafana brings. */
const Panel = z.looseObject({
  id: z.int().positive(),
  type: z.enum(["stat", "timeseries", "heatmap", "table"]),
  title: z.string().min(1),
  description: z.string().min(20),
  datasource: DataSource,
  gridPos: GridPosition,
  targets: z.array(Query).min(1),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string().min(1) }) }),
});
const Row = z.strictObject({
  id: z.int().positive(),
  type: z.literal("row"),
  title: z.string().min(1),
  collapsed: z.boolean(),
  gridPos: GridPosition,
  panels: z.array(Panel),
});
const Dashboard = z.looseObject({
  uid: z.string().regex(/^[a-zA-Z0-9_-]{1,40}$/),
  title: z.string().min(1),
  schemaVersion: z.int().min(36),
  annotations: z.object({ list: z.array(z.looseObject({ name: z.string(), datasource: DataSource, expr: z.string() })) }),
  templating: z.object({
    list: z.array(z.looseObject({ name: z.string(), type: z.enum(["datasource", "query"]), definition: z.string().optional() })),
  }),
  panels: z.array(z.union([Row, Panel])),
});

export type Dashboard = z.output<typeof Dashboard>;
export type Panel = z.output<typeof Panel>;
export type Row = z.output<typeof Row>;

export const readDashboard = async (): Promise<Dashboard> => Dashboard.parse(JSON.parse(await readFile(DASHBOARD_PATH, "utf8")));

const isRow = (one: Panel | Row): one is Row => one.type === "row";

export const rowsOf = ({ panels }: Dashboard): Row[] => panels.filter(isRow);

export const panelsOf = ({ panels }: Dashboard): Panel[] => panels.flatMap((one) => (isRow(one) ? one.panels : [one]));

/** Each query with the name of who asks it, and what Grafana fills in filled in. */
export function queriesOf(dashboard: Dashboard): { of: string; expression: string }[] {
  const { annotations } = dashboard;
  const asked = [
    ...panelsOf(dashboard).flatMap(({ title, targets }) => targets.map(({ expr }) => ({ of: title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ of: name, expr })),
  ];
  return asked.map(({ of, expr }) => ({ of, expression: fillIn(expr) }));
}

function fillIn(expression: string): string {
  return expression
    .replaceAll("$__rate_interval", "1m")
    .replaceAll("$__interval", "1m")
    .replaceAll("$__range", "6h")
    .replaceAll(/\$(controller|gateway)\b/g, ".*");
}
