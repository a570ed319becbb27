// What the gateway says of whether it can do its job: one check's name, result and words.
// What is checked is main.ts's.
export interface GatewayCheck {
  name: string;
  ok: boolean;
  message: string;
  /** Something to know or do, which keeps the gateway from nothing else. Absent: false. */
  isAdvice?: boolean;
}
