package main

// binaryTrees is after binary-trees of the Computer Language Benchmarks Game: one tree lives on, and many of growing depth are made and
// dropped.
type binaryTrees struct {
	tally
	schedule             treeSchedule
	maxDepth, checkEvery int
	longLived            *binaryNode
}

type binaryNode struct {
	left, right *binaryNode
}

func newBinaryTrees(p parameters) *binaryTrees {
	minDepth := p.integer("minDepth")
	b := &binaryTrees{maxDepth: p.integer("maxDepth"), checkEvery: p.integer("checkEvery")}
	for depth := minDepth; depth <= b.maxDepth; depth += 2 {
		b.schedule.add(treeRun{depth, false, 1 << (b.maxDepth - depth + minDepth)})
	}
	return b
}

func (b *binaryTrees) build() {
	b.checkTree(binaryBottomUp(b.maxDepth+1), b.maxDepth+1)
	b.longLived = binaryBottomUp(b.maxDepth)
}

func (b *binaryTrees) step(index int) {
	run := b.schedule.at(index)
	b.checkTree(binaryBottomUp(run.depth), run.depth)
	if index%b.checkEvery == b.checkEvery-1 {
		b.checkTree(b.longLived, b.maxDepth)
	}
}

func (b *binaryTrees) verify() {
	b.checkTree(b.longLived, b.maxDepth)
	b.add(uint32(b.checks))
}

func (b *binaryTrees) corrupt() {
	node := b.longLived
	for node.left.left != nil {
		node = node.left
	}
	node.left = nil
}

func (b *binaryTrees) checkTree(tree *binaryNode, depth int) {
	found := tree.count()
	b.check(found == treeNodes(depth))
	b.add(uint32(found))
}

func binaryBottomUp(depth int) *binaryNode {
	if depth == 0 {
		return &binaryNode{}
	}
	left := binaryBottomUp(depth - 1)
	right := binaryBottomUp(depth - 1)
	return &binaryNode{left, right}
}

func (n *binaryNode) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}
