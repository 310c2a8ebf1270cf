/** Which tree is built at which step. */
final class TreeSchedule {
  static final class Run {
    final int depth;
    final boolean topDown;
    final int count;

    Run(int depth, boolean topDown, int count) {
      this.depth = depth;
      this.topDown = topDown;
      this.count = count;
    }
  }

  private final java.util.ArrayList<Run> runs = new java.util.ArrayList<>();
  private int length;

  void add(int depth, boolean topDown, int count) {
    runs.add(new Run(depth, topDown, count));
    length += count;
  }

  Run at(int index) {
    int at = index % length;
    for (Run run : runs) {
      if (at < run.count) return run;
      at -= run.count;
    }
    throw new IllegalStateException("an empty schedule");
  }

  /** Nodes of a full tree; a tree of depth 0 is one node. */
  static int nodes(int depth) {
    return (2 << depth) - 1;
  }
}
