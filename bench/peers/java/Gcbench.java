/**
 * After GCBench by Ellis, Kovac and Boehm. A large tree is made and dropped; a smaller one and an array of doubles live on; then trees of
 * growing depth are made from above and from below. Each node carries the number of its tree and its height.
 */
final class Gcbench extends Work {
  private static final int LONG_LIVED_TREE = 0x7fffffff;

  private static final class Node {
    Node left;
    Node right;
    final int tree;
    final int depth;

    Node(Node left, Node right, int depth, int tree) {
      this.left = left;
      this.right = right;
      this.tree = tree;
      this.depth = depth;
    }
  }

  private final TreeSchedule schedule = new TreeSchedule();
  private final int stretchDepth;
  private final int longLivedDepth;
  private final int arrayLength;
  private final int checkEvery;
  private Node longLived;
  private double[] array;

  Gcbench(Parameters parameters) {
    stretchDepth = parameters.integer("stretchDepth");
    longLivedDepth = parameters.integer("longLivedDepth");
    arrayLength = parameters.integer("arrayLength");
    checkEvery = parameters.integer("checkEvery");
    for (int depth = parameters.integer("minDepth"); depth <= parameters.integer("maxDepth"); depth += 2) {
      int count = 2 * TreeSchedule.nodes(stretchDepth) / TreeSchedule.nodes(depth);
      schedule.add(depth, true, count);
      schedule.add(depth, false, count);
    }
  }

  @Override
  void build() {
    checkTree(bottomUp(stretchDepth, 0), stretchDepth, 0);
    longLived = topDown(longLivedDepth, LONG_LIVED_TREE);
    array = new double[arrayLength];
    for (int i = 0; i < arrayLength; i++) array[i] = 1.0 / (i + 1);
  }

  @Override
  void step(int index) {
    TreeSchedule.Run run = schedule.at(index);
    checkTree(run.topDown ? topDown(run.depth, index) : bottomUp(run.depth, index), run.depth, index);
    if (index % checkEvery == checkEvery - 1) checkLongLived(arrayLength / 1000 + 1);
  }

  @Override
  void verify() {
    checkLongLived(1);
    add((int) checks);
  }

  @Override
  void corrupt() {
    Node node = longLived;
    while (node.left.left != null) node = node.left;
    node.left = null;
  }

  private void checkTree(Node tree, int depth, int number) {
    int found = count(tree, depth, number);
    checks += found;
    if (found != TreeSchedule.nodes(depth)) mismatches++;
    add(found);
  }

  private void checkLongLived(int stride) {
    checkTree(longLived, longLivedDepth, LONG_LIVED_TREE);
    for (int i = 0; i < arrayLength; i += stride) check(array[i] == 1.0 / (i + 1));
  }

  private int count(Node node, int depth, int tree) {
    if (node.tree != tree || node.depth != depth) mismatches++;
    if (node.left == null) return 1;
    return 1 + count(node.left, depth - 1, tree) + count(node.right, depth - 1, tree);
  }

  private static Node bottomUp(int depth, int tree) {
    if (depth == 0) return new Node(null, null, 0, tree);
    Node left = bottomUp(depth - 1, tree);
    Node right = bottomUp(depth - 1, tree);
    return new Node(left, right, depth, tree);
  }

  private static Node topDown(int depth, int tree) {
    Node node = new Node(null, null, depth, tree);
    populate(node, depth, tree);
    return node;
  }

  private static void populate(Node node, int depth, int tree) {
    if (depth == 0) return;
    node.left = new Node(null, null, depth - 1, tree);
    populate(node.left, depth - 1, tree);
    node.right = new Node(null, null, depth - 1, tree);
    populate(node.right, depth - 1, tree);
  }
}
