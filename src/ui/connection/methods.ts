// The types of what the page may ask over the socket, taken from the gateway's own table of operations, so that a change there does not compile here.
// Nothing of it is code: the page's bundle holds no schema.

import type { z } from "zod";
import type { ConfigEditView } from "../../api/config-edit.ts";
import type { DoctorReport } from "../../api/doctor-report.ts";
import type { EgressLog } from "../../api/egress-log.ts";
import type { SandboxEvent } from "../../api/event.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import type { OPERATIONS } from "../../api/gateway-protocol/operations.ts";
import type { RolloutView } from "../../api/rollout-story.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { ControllerView, PlanView, SandboxDetail } from "../../api/wire.ts";

type Operations = typeof OPERATIONS;
type SocketOperation = Extract<Operations[keyof Operations], { socket: string }>;

/** As `hello.features.methods` names them. */
export type MethodName = SocketOperation["socket"];
type OperationOf<Name extends MethodName> = Extract<SocketOperation, { socket: Name }>;

/** What the table leaves open since the controller answers it; its types are `api`'s. */
interface ControllerAnswers {
  "sandbox.list": { items: Sandbox[] };
  "sandbox.get": SandboxDetail;
  "sandbox.egress": EgressLog;
  "sandbox.explain": ExplainView;
  "plan.get": PlanView;
  "config.edit": ConfigEditView;
  "controller.status": ControllerView;
  "doctor.report": DoctorReport;
  "rollout.status": RolloutView;
  "events.list": { items: SandboxEvent[] };
}

export type AnswerOf<Name extends MethodName> = Name extends keyof ControllerAnswers
  ? ControllerAnswers[Name]
  : z.output<OperationOf<Name>["answer"]>;

type InPath<Path extends string> = Path extends `${string}{${infer Field}}${infer Rest}`
  ? { [Key in Field]: string } & InPath<Rest>
  : unknown;
type InQuery<Operation> = Operation extends { query: infer Query extends z.ZodType } ? z.input<Query> : unknown;
type InBody<Operation> = Operation extends { body: infer Body extends z.ZodType }
  ? Body extends z.ZodObject
    ? z.input<Body>
    : { input: z.input<Body> }
  : unknown;

/** Method by method: over all of them at once the compiler would try every part of one with every part of the others. */
type ParamsByMethod = {
  [Name in MethodName]: InPath<OperationOf<Name>["path"]> & InQuery<OperationOf<Name>> & InBody<OperationOf<Name>>;
};

/** Fields of path, query and body side by side, as the socket takes them. */
export type ParamsOf<Name extends MethodName> = ParamsByMethod[Name];
