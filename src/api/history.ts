// What the controller remembers of its last hours, as columns of equal length that a chart takes as they are. Shapes only.
// What is kept and for how long is controller/metrics/history.ts's.

export interface HistoryView {
  /** Between two samples; the last one is of now. */
  everyMs: number;
  /** Milliseconds since the epoch, ascending. */
  at: number[];
  /** Sandboxes that serve. */
  ready: number[];
  /** Sandboxes that should and don't. */
  notReady: number[];
  /** Sandboxes that nobody could look at. */
  unknown: number[];
  /** Sandboxes that differ from the config. */
  drifted: number[];
  /** The longest that a change took since the sample before. null: none was made. */
  convergenceSeconds: (number | null)[];
  /** Containers that were removed since the sample before, as unused or unwanted. */
  prunes: number[];
  /** Objects that nothing owns, as found last. */
  leaks: number[];
}
