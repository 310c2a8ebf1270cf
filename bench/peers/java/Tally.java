/** What one mutator, or all of them, did. The checksum is a sum modulo 2^32, so the order of mutators does not matter. */
final class Tally {
  long operations;
  long checks;
  long mismatches;
  int checksum;
  long liveBytes;

  void check(boolean holds) {
    checks++;
    if (!holds) mismatches++;
  }

  void add(Tally other) {
    operations += other.operations;
    checks += other.checks;
    mismatches += other.mismatches;
    checksum += other.checksum;
    liveBytes += other.liveBytes;
  }
}
