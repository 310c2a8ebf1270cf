/**
 * GCBench of Ellis, Kovac and Boehm: complete binary trees of growing depth, built from the root down and from the leaves up, beside a
 * long-lived tree and a long-lived array of doubles. Every tree is counted when it is done, and so is the long-lived one at the end.
 */
final class Gcbench implements Workload {
  private static final class Node {
    Node left;
    Node right;
    int i;
    int j;

    Node() {}

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }
  }

  private final int minDepth;
  private final int maxDepth;
  private final int longLivedDepth;
  private final int arrayElements;

  Gcbench(Parameters parameters) {
    minDepth = parameters.integer("minDepth");
    maxDepth = parameters.integer("maxDepth");
    longLivedDepth = parameters.integer("longLivedDepth");
    arrayElements = parameters.integer("arrayElements");
  }

  @Override
  public void run(Tally tally, Requests requests, long beganNs) {
    int stretchDepth = maxDepth + 2;
    count(tally, build(stretchDepth), stretchDepth);
    Node longLived = new Node();
    populate(longLived, longLivedDepth);
    double[] array = new double[arrayElements];
    for (int i = 1; i < arrayElements / 2; i++) array[i] = 1.0 / i;
    for (int depth = minDepth; depth <= maxDepth; depth += 2) {
      int rounds = 2 * nodes(stretchDepth) / nodes(depth);
      for (int i = 0; i < rounds; i++) {
        Node tree = new Node();
        populate(tree, depth);
        count(tally, tree, depth);
      }
      for (int i = 0; i < rounds; i++) count(tally, build(depth), depth);
    }
    count(tally, longLived, longLivedDepth);
    for (int i = 1; i < arrayElements / 2; i++) tally.check(array[i] == 1.0 / i);
  }

  private static int nodes(int depth) {
    return (1 << (depth + 1)) - 1;
  }

  private static void populate(Node node, int depth) {
    if (depth <= 0) return;
    node.left = new Node();
    node.right = new Node();
    populate(node.left, depth - 1);
    populate(node.right, depth - 1);
  }

  private static Node build(int depth) {
    return depth <= 0 ? new Node() : new Node(build(depth - 1), build(depth - 1));
  }

  private static int countNodes(Node node) {
    return node.left == null ? 1 : 1 + countNodes(node.left) + countNodes(node.right);
  }

  private static void count(Tally tally, Node tree, int depth) {
    int found = countNodes(tree);
    tally.operations++;
    tally.checksum = tally.checksum * 31 + found;
    tally.check(found == nodes(depth));
  }
}
