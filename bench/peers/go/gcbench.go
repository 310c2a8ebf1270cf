package main

const longLivedTree = 0x7fffffff

// gcbench is after GCBench by Ellis, Kovac and Boehm. A large tree is made and dropped; a smaller one and an array of doubles live on;
// then trees of growing depth are made from above and from below. Each node carries the number of its tree and its height.
type gcbench struct {
	tally
	schedule                                              treeSchedule
	stretchDepth, longLivedDepth, arrayLength, checkEvery int
	longLived                                             *labelledNode
	array                                                 []float64
}

type labelledNode struct {
	left, right *labelledNode
	tree, depth uint32
}

func newGcbench(p parameters) *gcbench {
	g := &gcbench{
		stretchDepth:   p.integer("stretchDepth"),
		longLivedDepth: p.integer("longLivedDepth"),
		arrayLength:    p.integer("arrayLength"),
		checkEvery:     p.integer("checkEvery"),
	}
	for depth := p.integer("minDepth"); depth <= p.integer("maxDepth"); depth += 2 {
		count := 2 * treeNodes(g.stretchDepth) / treeNodes(depth)
		g.schedule.add(treeRun{depth, true, count})
		g.schedule.add(treeRun{depth, false, count})
	}
	return g
}

func (g *gcbench) build() {
	g.checkTree(labelledBottomUp(g.stretchDepth, 0), g.stretchDepth, 0)
	g.longLived = labelledTopDown(g.longLivedDepth, longLivedTree)
	g.array = make([]float64, g.arrayLength)
	for i := range g.array {
		g.array[i] = 1 / float64(i+1)
	}
}

func (g *gcbench) step(index int) {
	run := g.schedule.at(index)
	if run.topDown {
		g.checkTree(labelledTopDown(run.depth, uint32(index)), run.depth, uint32(index))
	} else {
		g.checkTree(labelledBottomUp(run.depth, uint32(index)), run.depth, uint32(index))
	}
	if index%g.checkEvery == g.checkEvery-1 {
		g.checkLongLived(g.arrayLength/1000 + 1)
	}
}

func (g *gcbench) verify() {
	g.checkLongLived(1)
	g.add(uint32(g.checks))
}

func (g *gcbench) corrupt() {
	node := g.longLived
	for node.left.left != nil {
		node = node.left
	}
	node.left = nil
}

func (g *gcbench) checkTree(tree *labelledNode, depth int, number uint32) {
	found := g.count(tree, uint32(depth), number)
	g.checks += int64(found)
	if found != treeNodes(depth) {
		g.mismatches++
	}
	g.add(uint32(found))
}

func (g *gcbench) checkLongLived(stride int) {
	g.checkTree(g.longLived, g.longLivedDepth, longLivedTree)
	for i := 0; i < g.arrayLength; i += stride {
		g.check(g.array[i] == 1/float64(i+1))
	}
}

func (g *gcbench) count(node *labelledNode, depth, tree uint32) int {
	if node.tree != tree || node.depth != depth {
		g.mismatches++
	}
	if node.left == nil {
		return 1
	}
	return 1 + g.count(node.left, depth-1, tree) + g.count(node.right, depth-1, tree)
}

func labelledBottomUp(depth int, tree uint32) *labelledNode {
	if depth == 0 {
		return &labelledNode{tree: tree}
	}
	left := labelledBottomUp(depth-1, tree)
	right := labelledBottomUp(depth-1, tree)
	return &labelledNode{left, right, tree, uint32(depth)}
}

func labelledTopDown(depth int, tree uint32) *labelledNode {
	node := &labelledNode{tree: tree, depth: uint32(depth)}
	node.populate(depth, tree)
	return node
}

func (n *labelledNode) populate(depth int, tree uint32) {
	if depth == 0 {
		return
	}
	n.left = &labelledNode{tree: tree, depth: uint32(depth - 1)}
	n.left.populate(depth-1, tree)
	n.right = &labelledNode{tree: tree, depth: uint32(depth - 1)}
	n.right.populate(depth-1, tree)
}
