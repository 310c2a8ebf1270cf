package main

// gcbench is GCBench of Ellis, Kovac and Boehm: complete binary trees of growing depth, built from the root down and from the leaves
// up, beside a long-lived tree and a long-lived array of doubles. Every tree is counted when it is done, and so is the long-lived one
// at the end.
type gcbench struct {
	minDepth, maxDepth, longLivedDepth, arrayElements int
}

type gcbenchNode struct {
	left, right *gcbenchNode
	i, j        int32
}

func newGcbench(p parameters) *gcbench {
	return &gcbench{p.integer("minDepth"), p.integer("maxDepth"), p.integer("longLivedDepth"), p.integer("arrayElements")}
}

func (g *gcbench) run(tally *tally, _ *requests, _ int64) {
	stretchDepth := g.maxDepth + 2
	countTree(tally, buildTree(stretchDepth), stretchDepth)
	longLived := &gcbenchNode{}
	populateTree(longLived, g.longLivedDepth)
	array := make([]float64, g.arrayElements)
	for i := 1; i < g.arrayElements/2; i++ {
		array[i] = 1.0 / float64(i)
	}
	for depth := g.minDepth; depth <= g.maxDepth; depth += 2 {
		rounds := 2 * treeNodes(stretchDepth) / treeNodes(depth)
		for i := 0; i < rounds; i++ {
			tree := &gcbenchNode{}
			populateTree(tree, depth)
			countTree(tally, tree, depth)
		}
		for i := 0; i < rounds; i++ {
			countTree(tally, buildTree(depth), depth)
		}
	}
	countTree(tally, longLived, g.longLivedDepth)
	for i := 1; i < g.arrayElements/2; i++ {
		tally.check(array[i] == 1.0/float64(i))
	}
}

func treeNodes(depth int) int {
	return 1<<(depth+1) - 1
}

func populateTree(node *gcbenchNode, depth int) {
	if depth <= 0 {
		return
	}
	node.left = &gcbenchNode{}
	node.right = &gcbenchNode{}
	populateTree(node.left, depth-1)
	populateTree(node.right, depth-1)
}

func buildTree(depth int) *gcbenchNode {
	if depth <= 0 {
		return &gcbenchNode{}
	}
	return &gcbenchNode{left: buildTree(depth - 1), right: buildTree(depth - 1)}
}

func countTreeNodes(node *gcbenchNode) int {
	if node.left == nil {
		return 1
	}
	return 1 + countTreeNodes(node.left) + countTreeNodes(node.right)
}

func countTree(tally *tally, tree *gcbenchNode, depth int) {
	found := countTreeNodes(tree)
	tally.operations++
	tally.checksum = tally.checksum*31 + uint32(found)
	tally.check(found == treeNodes(depth))
}
