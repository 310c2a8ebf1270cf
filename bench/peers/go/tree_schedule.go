package main

// treeRun is a number of trees of one kind.
type treeRun struct {
	depth   int
	topDown bool
	count   int
}

// treeSchedule says which tree is built at which step.
type treeSchedule struct {
	runs   []treeRun
	length int
}

func (s *treeSchedule) add(run treeRun) {
	s.runs = append(s.runs, run)
	s.length += run.count
}

func (s *treeSchedule) at(index int) treeRun {
	at := index % s.length
	for _, run := range s.runs {
		if at < run.count {
			return run
		}
		at -= run.count
	}
	panic("an empty schedule")
}

// treeNodes is how many a full tree has; a tree of depth 0 is one node.
func treeNodes(depth int) int { return 2<<depth - 1 }
