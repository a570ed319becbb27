// What a look at the controller's health finds: one check each. What is looked at is health.ts's.

export interface HealthCheck {
  /** One word, e.g. `engine`. */
  name: string;
  ok: boolean;
  /** One sentence without secrets; shown by `?verbose`. */
  message: string;
}

export interface ReadyCheck extends HealthCheck {
  name: "desired" | "observed" | "engine" | "events" | "removals" | "servers";
}
