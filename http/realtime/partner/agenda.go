package partner

import (
	"slices"
	"time"
)

// agenda is what a conversation will do later, in its own time.
type agenda struct {
	now   time.Duration
	tasks []task
}

type task struct {
	due time.Duration
	run func()
}

// after plans run; among equals the first planned comes first.
func (a *agenda) after(delay time.Duration, run func()) {
	due := a.now + delay
	at := len(a.tasks)
	for at > 0 && a.tasks[at-1].due > due {
		at--
	}
	a.tasks = slices.Insert(a.tasks, at, task{due, run})
}

// step lets a frame pass and does what is due. What a task plans for at once
// is done in the next step.
func (a *agenda) step() {
	a.now += frame
	due := 0
	for due < len(a.tasks) && a.tasks[due].due <= a.now {
		due++
	}
	tasks := slices.Clone(a.tasks[:due])
	a.tasks = slices.Delete(a.tasks, 0, due)
	for _, t := range tasks {
		t.run()
	}
}
