/** binary-trees of the Computer Language Benchmarks Game: many short-lived trees beside one that lives throughout. */
final class BinaryTrees implements Workload {
  private static final int MIN_DEPTH = 4;

  private static final class Node {
    final Node left;
    final Node right;

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }
  }

  private final int maxDepth;

  BinaryTrees(Parameters parameters) {
    maxDepth = Math.max(MIN_DEPTH + 2, parameters.integer("maxDepth"));
  }

  @Override
  public void run(Tally tally, Requests requests, long beganNs) {
    count(tally, build(maxDepth + 1), maxDepth + 1);
    Node longLived = build(maxDepth);
    for (int depth = MIN_DEPTH; depth <= maxDepth; depth += 2) {
      int rounds = 1 << (maxDepth - depth + MIN_DEPTH);
      for (int i = 0; i < rounds; i++) count(tally, build(depth), depth);
    }
    count(tally, longLived, maxDepth);
  }

  private static Node build(int depth) {
    return depth == 0 ? new Node(null, null) : new Node(build(depth - 1), build(depth - 1));
  }

  private static int countNodes(Node node) {
    return node.left == null ? 1 : 1 + countNodes(node.left) + countNodes(node.right);
  }

  private static void count(Tally tally, Node tree, int depth) {
    int found = countNodes(tree);
    tally.operations++;
    tally.checksum = tally.checksum * 31 + found;
    tally.check(found == (1 << (depth + 1)) - 1);
  }
}
