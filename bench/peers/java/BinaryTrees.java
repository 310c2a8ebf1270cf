/** After binary-trees of the Computer Language Benchmarks Game: one tree lives on, and many of growing depth are made and dropped. */
final class BinaryTrees extends Work {
  private static final class Node {
    Node left;
    final Node right;

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }
  }

  private final TreeSchedule schedule = new TreeSchedule();
  private final int maxDepth;
  private final int checkEvery;
  private Node longLived;

  BinaryTrees(Parameters parameters) {
    int minDepth = parameters.integer("minDepth");
    maxDepth = parameters.integer("maxDepth");
    checkEvery = parameters.integer("checkEvery");
    for (int depth = minDepth; depth <= maxDepth; depth += 2) schedule.add(depth, false, 1 << (maxDepth - depth + minDepth));
  }

  @Override
  void build() {
    checkTree(bottomUp(maxDepth + 1), maxDepth + 1);
    longLived = bottomUp(maxDepth);
  }

  @Override
  void step(int index) {
    TreeSchedule.Run run = schedule.at(index);
    checkTree(bottomUp(run.depth), run.depth);
    if (index % checkEvery == checkEvery - 1) checkTree(longLived, maxDepth);
  }

  @Override
  void verify() {
    checkTree(longLived, maxDepth);
    add((int) checks);
  }

  @Override
  void corrupt() {
    Node node = longLived;
    while (node.left.left != null) node = node.left;
    node.left = null;
  }

  private void checkTree(Node tree, int depth) {
    int found = count(tree);
    check(found == TreeSchedule.nodes(depth));
    add(found);
  }

  private static Node bottomUp(int depth) {
    if (depth == 0) return new Node(null, null);
    Node left = bottomUp(depth - 1);
    Node right = bottomUp(depth - 1);
    return new Node(left, right);
  }

  private static int count(Node node) {
    return node.left == null ? 1 : 1 + count(node.left) + count(node.right);
  }
}
