/** One line of a report: a figure, what it is held against, and whether that is reached in this run. */
export interface Line {
  readonly figure: string;
  readonly measured: string;
  /** Empty where the figure is shown for comparison only. */
  readonly goal: string;
  readonly reached: boolean;
}
