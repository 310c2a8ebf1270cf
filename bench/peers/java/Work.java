/**
 * What one mutator does in a workload, step by step: the same random numbers, the same checks, the same final checksum for the same seed
 * as in bench/workloads/.
 */
abstract class Work {
  /** Comparisons of live data with what it must be. */
  long checks;
  long mismatches;
  /** Depends on everything that the work has seen. */
  int checksum;

  /** Makes what lives long. */
  abstract void build();

  /** One operation. */
  abstract void step(int index);

  /** Checks everything that is alive, and adds it to the checksum. */
  abstract void verify();

  /** Spoils one live value that a later check must find. */
  abstract void corrupt();

  /** What the workload itself counts as alive, in bytes; 0 where it does not. */
  long liveBytes() {
    return 0;
  }

  final void check(boolean right) {
    checks++;
    if (!right) mismatches++;
  }

  final void add(int value) {
    checksum = Random.mixed(checksum ^ value);
  }

  /** On the thread that will do the work. */
  static Work make(Parameters parameters, int seed) {
    String name = parameters.text("workload");
    switch (name) {
      case "gcbench": return new Gcbench(parameters);
      case "binary-trees": return new BinaryTrees(parameters);
      case "lru": return new Lru(parameters, seed);
      case "fragmentation": return new Fragmentation(parameters, seed);
      case "allocation-rate": return new AllocationRate(parameters, seed);
      default: throw new IllegalArgumentException("unknown workload: " + name);
    }
  }
}
