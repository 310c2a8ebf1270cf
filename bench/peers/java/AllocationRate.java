/**
 * After HyperAlloc: clusters of objects that refer to each other are made; a share of them takes the place of another one. The logic is
 * that of bench/workloads/allocation-rate.ts.
 *
 * A member is one object with 1 to 8 reference fields and the stamp, and an array of numbers where it has to be longer than that.
 */
final class AllocationRate extends Work {
  private static final int CLUSTER = 8;
  private static final int HOLDER_SHARE = 4;
  private static final int ARRAY_BYTES = 16;

  private static final class Holder {
    Member newest;
  }

  /** With no reference field: 24 bytes. */
  private abstract static class Member {
    double stamp;
    long[] rest;

    abstract int references();

    abstract Object get(int reference);

    abstract void set(int reference, Object value);
  }

  private static class Member1 extends Member {
    Object r0;

    @Override int references() { return 1; }
    @Override Object get(int reference) { return r0; }
    @Override void set(int reference, Object value) { r0 = value; }
  }

  private static class Member2 extends Member1 {
    Object r1;

    @Override int references() { return 2; }
    @Override Object get(int reference) { return reference == 1 ? r1 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 1) r1 = value; else super.set(reference, value); }
  }

  private static class Member3 extends Member2 {
    Object r2;

    @Override int references() { return 3; }
    @Override Object get(int reference) { return reference == 2 ? r2 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 2) r2 = value; else super.set(reference, value); }
  }

  private static class Member4 extends Member3 {
    Object r3;

    @Override int references() { return 4; }
    @Override Object get(int reference) { return reference == 3 ? r3 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 3) r3 = value; else super.set(reference, value); }
  }

  private static class Member5 extends Member4 {
    Object r4;

    @Override int references() { return 5; }
    @Override Object get(int reference) { return reference == 4 ? r4 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 4) r4 = value; else super.set(reference, value); }
  }

  private static class Member6 extends Member5 {
    Object r5;

    @Override int references() { return 6; }
    @Override Object get(int reference) { return reference == 5 ? r5 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 5) r5 = value; else super.set(reference, value); }
  }

  private static class Member7 extends Member6 {
    Object r6;

    @Override int references() { return 7; }
    @Override Object get(int reference) { return reference == 6 ? r6 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 6) r6 = value; else super.set(reference, value); }
  }

  private static final class Member8 extends Member7 {
    Object r7;

    @Override int references() { return 8; }
    @Override Object get(int reference) { return reference == 7 ? r7 : super.get(reference); }
    @Override void set(int reference, Object value) { if (reference == 7) r7 = value; else super.set(reference, value); }
  }

  private final Random random;
  private final SizeDistribution sizes;
  private final double density;
  private final int mutations;
  private final int checkEvery;
  private final int survivalPercent;
  /** The number of the cluster in each holder. */
  private final int[] numbers;
  private final Member[] members = new Member[CLUSTER];
  private Holder[] holders;
  private int made;

  AllocationRate(Parameters parameters, int seed) {
    random = new Random(seed);
    sizes = new SizeDistribution(parameters);
    density = parameters.number("pointerDensity");
    mutations = parameters.integer("mutationsPerOperation");
    checkEvery = parameters.integer("checkEvery");
    survivalPercent = parameters.integer("survivalPercent");
    double clusterBytes = CLUSTER * parameters.number("objectBytesMean");
    numbers = new int[Math.max(1, (int) Math.floor(parameters.number("liveBytes") / clusterBytes))];
  }

  @Override
  void build() {
    holders = new Holder[numbers.length];
    for (int i = 0; i < holders.length; i++) holders[i] = new Holder();
    for (int i = 0; i < holders.length; i++) makeCluster(i);
  }

  @Override
  void step(int index) {
    boolean survives = random.below(100) < survivalPercent;
    makeCluster(survives ? random.below(holders.length) : -1);
    for (int i = 0; i < mutations; i++) {
      int holder = random.below(holders.length);
      swing(holder, random.below(CLUSTER));
    }
    if (index % checkEvery == 0) checkCluster(random.below(holders.length));
  }

  @Override
  void verify() {
    for (int i = 0; i < holders.length; i++) {
      checkCluster(i);
      add(numbers[i]);
    }
  }

  @Override
  void corrupt() {
    for (Holder holder : holders) holder.newest.stamp = -1;
  }

  private void makeCluster(int holder) {
    int number = ++made;
    for (int member = 0; member < CLUSTER; member++) {
      int words = sizes.pick(random);
      int references = SizeDistribution.referencesOf(words, density);
      Member object = make(references, words);
      object.stamp = (long) number * CLUSTER + member;
      if (member > 0) object.set(0, members[member - 1]);
      members[member] = object;
      for (int reference = 1; reference < references; reference++) {
        if (random.below(HOLDER_SHARE) == 0) object.set(reference, holders[random.below(holders.length)]);
        else object.set(reference, members[random.below(member + 1)]);
      }
    }
    if (holder >= 0) {
      holders[holder].newest = members[CLUSTER - 1];
      numbers[holder] = number;
    }
    java.util.Arrays.fill(members, null);
  }

  private static Member make(int references, int words) {
    Member object = allocate(references);
    int restBytes = words * 8 - (24 + ((references * 4 + 7) & ~7)) - ARRAY_BYTES;
    if (restBytes >= 0) object.rest = new long[restBytes / 8];
    return object;
  }

  private static Member allocate(int references) {
    switch (references) {
      case 1: return new Member1();
      case 2: return new Member2();
      case 3: return new Member3();
      case 4: return new Member4();
      case 5: return new Member5();
      case 6: return new Member6();
      case 7: return new Member7();
      default: return new Member8();
    }
  }

  private void swing(int holder, int steps) {
    Member newest = holders[holder].newest;
    Member object = newest;
    for (int i = 0; i < steps; i++) object = (Member) ((Member1) object).r0;
    if (object.references() > 1) ((Member2) object).r1 = newest;
  }

  private void checkCluster(int holder) {
    double wanted = (long) numbers[holder] * CLUSTER + CLUSTER - 1;
    int right = 0;
    for (Member object = holders[holder].newest; object != null; object = (Member) ((Member1) object).r0) {
      if (object.stamp == wanted) right++;
      wanted--;
    }
    checks += CLUSTER;
    mismatches += CLUSTER - right;
  }
}
