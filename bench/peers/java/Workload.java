/** What a mutator runs. Each mutator has its own; they share nothing but the heap. */
interface Workload {
  /**
   * @param requests where to note requests, or null in a warm-up or where there are none
   * @param beganNs System.nanoTime() at which the schedule of an open loop begins
   */
  void run(Tally tally, Requests requests, long beganNs) throws InterruptedException;

  /** Makes what is there before the measured part. */
  static Workload make(Parameters parameters, int mutator) {
    String name = parameters.text("workload");
    switch (name) {
      case "gcbench": return new Gcbench(parameters);
      case "binary-trees": return new BinaryTrees(parameters);
      default: throw new IllegalArgumentException("unknown workload: " + name);
    }
  }
}
