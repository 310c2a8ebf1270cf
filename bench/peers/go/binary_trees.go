package main

const binaryTreesMinDepth = 4

// binaryTrees is binary-trees of the Computer Language Benchmarks Game: many short-lived trees beside one that lives throughout.
type binaryTrees struct {
	maxDepth int
}

type binaryNode struct {
	left, right *binaryNode
}

func newBinaryTrees(p parameters) *binaryTrees {
	maxDepth := p.integer("maxDepth")
	if maxDepth < binaryTreesMinDepth+2 {
		maxDepth = binaryTreesMinDepth + 2
	}
	return &binaryTrees{maxDepth}
}

func (b *binaryTrees) run(tally *tally, _ *requests, _ int64) {
	countBinary(tally, buildBinary(b.maxDepth+1), b.maxDepth+1)
	longLived := buildBinary(b.maxDepth)
	for depth := binaryTreesMinDepth; depth <= b.maxDepth; depth += 2 {
		rounds := 1 << (b.maxDepth - depth + binaryTreesMinDepth)
		for i := 0; i < rounds; i++ {
			countBinary(tally, buildBinary(depth), depth)
		}
	}
	countBinary(tally, longLived, b.maxDepth)
}

func buildBinary(depth int) *binaryNode {
	if depth == 0 {
		return &binaryNode{}
	}
	return &binaryNode{buildBinary(depth - 1), buildBinary(depth - 1)}
}

func countBinaryNodes(node *binaryNode) int {
	if node.left == nil {
		return 1
	}
	return 1 + countBinaryNodes(node.left) + countBinaryNodes(node.right)
}

func countBinary(tally *tally, tree *binaryNode, depth int) {
	found := countBinaryNodes(tree)
	tally.operations++
	tally.checksum = tally.checksum*31 + uint32(found)
	tally.check(found == 1<<(depth+1)-1)
}
