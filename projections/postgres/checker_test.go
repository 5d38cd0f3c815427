package postgres_test

import (
	"fmt"
	"maps"
	"slices"

	"parley/events"
)

// verdict names what a history and the facts do not agree in.
type verdict string

// Of an append.
const (
	isLost           verdict = "acknowledged, but not in the log"
	isTwice          verdict = "in the log twice"
	isElsewhere      verdict = "acknowledged at another position"
	isUnguarded      verdict = "stored behind another event than the expected one"
	isOutOfOrder     verdict = "stored before what had been acknowledged before it began"
	isStoredRefused  verdict = "refused, but in the log"
	isRefusedInVain  verdict = "refused as a conflict, with nobody to conflict with"
	isNeverSettled   verdict = "never settled"
	isOddlyAnswered  verdict = "answered as it never should be"
	isNobodysEvent   verdict = "in the log, but nobody appended it"
	isLogNotInOrder  verdict = "delivered out of order"
	isProjectedTwice verdict = "projected twice"
	isSkipped        verdict = "not projected"
	isNobodysMove    verdict = "the checkpoint moved without a commit"
	isLostCommit     verdict = "committed, but the checkpoint never moved"
)

// finding is one contradiction.
type finding struct {
	verdict verdict
	about   string
}

// facts are what the log holds at the end.
type facts struct {
	log    []events.Event // as they were delivered
	at     map[events.EventID][]events.Position
	of     map[events.Aggregate][]events.Position // in order, with those that its tombstones list
	erased events.Numbers
}

func factsOf(log []events.Event) *facts {
	f := &facts{log: log, at: map[events.EventID][]events.Position{}, of: map[events.Aggregate][]events.Position{}}
	for _, e := range log {
		f.at[e.ID] = append(f.at[e.ID], e.Position)
		f.of[e.Aggregate] = append(f.of[e.Aggregate], e.Position)
		if tombstone, is := e.Body.(*events.SessionErased); is {
			f.erased = f.erased.Union(tombstone.Positions)
			for _, r := range tombstone.Positions.Ranges() {
				for p := r.First; p <= r.Last; p++ {
					f.of[e.Aggregate] = append(f.of[e.Aggregate], events.Position(p))
				}
			}
		}
	}
	for of := range f.of {
		slices.Sort(f.of[of])
		f.of[of] = slices.Compact(f.of[of])
	}
	return f
}

// before is the aggregate's position before another one; 0: none.
func (f *facts) before(of events.Aggregate, p events.Position) events.Position {
	i, _ := slices.BinarySearch(f.of[of], p)
	if i == 0 {
		return 0
	}
	return f.of[of][i-1]
}

// checkAppends holds the answers to appends against the log.
func checkAppends(operations []operation, f *facts) (found []finding) {
	known := map[events.EventID]events.Aggregate{}
	for _, o := range operations {
		for _, id := range o.ids {
			known[id] = o.to
		}
		for _, v := range f.judge(o) {
			found = append(found, finding{v, o.String()})
		}
	}
	var last events.Position
	for _, e := range f.log {
		about := fmt.Sprintf("%s of %s at %d", e.ID, e.Aggregate, e.Position)
		if of, is := known[e.ID]; !is || of != e.Aggregate {
			found = append(found, finding{isNobodysEvent, about})
		}
		if e.Position <= last {
			found = append(found, finding{isLogNotInOrder, about})
		}
		last = max(last, e.Position)
	}
	for id, at := range f.at {
		if len(at) > 1 {
			found = append(found, finding{isTwice, fmt.Sprintf("%s at %d", id, at)})
		}
	}
	return append(found, checkOrder(operations)...)
}

// judge holds one answer against the log.
func (f *facts) judge(o operation) []verdict {
	switch {
	case o.answered == 0 || o.code == events.CodeUnknown:
		return []verdict{isNeverSettled}
	case o.code == "":
		return f.judgeStored(o)
	case slices.ContainsFunc(o.ids, func(id events.EventID) bool { return len(f.at[id]) > 0 }):
		return []verdict{isStoredRefused}
	case o.code == events.CodeUnavailable || o.code == events.CodeErased:
		return nil
	case o.code != events.CodeConflict:
		return []verdict{isOddlyAnswered}
	}
	_, isThere := slices.BinarySearch(f.of[o.to], o.expected)
	if moved := len(f.of[o.to]) > 0 && f.of[o.to][len(f.of[o.to])-1] > o.expected; moved || o.expected > 0 && !isThere {
		return nil
	}
	return []verdict{isRefusedInVain}
}

// judgeStored expects the events side by side up to the position, and nothing
// of the aggregate between them and what was expected.
func (f *facts) judgeStored(o operation) (wrong []verdict) {
	first := o.at - events.Position(len(o.ids)-1)
	for i, id := range o.ids {
		want := first + events.Position(i)
		switch at := f.at[id]; {
		case len(at) == 0 && !f.erased.Has(int64(want)):
			wrong = append(wrong, isLost)
		case len(at) > 0 && at[0] != want:
			wrong = append(wrong, isElsewhere)
		}
	}
	if f.before(o.to, first) != o.expected {
		wrong = append(wrong, isUnguarded)
	}
	return wrong
}

// checkOrder expects that of two appends to one aggregate the one that had ended
// before the other began is stored before it.
func checkOrder(operations []operation) (found []finding) {
	of := map[events.Aggregate][]operation{}
	for _, o := range operations {
		if o.code == "" && o.answered > 0 {
			of[o.to] = append(of[o.to], o)
		}
	}
	for _, stored := range of {
		slices.SortFunc(stored, func(a, b operation) int { return int(a.at) - int(b.at) })
		latest := 0 // begin of those before
		for _, o := range stored {
			if o.answered < latest {
				found = append(found, finding{isOutOfOrder, o.String()})
			}
			latest = max(latest, o.invoked)
		}
	}
	return found
}

// move is one step of the checkpoint, as PostgreSQL itself wrote it down.
type move struct{ from, to events.Position }

// checkMoves expects that the steps of the checkpoint lead from the log's begin
// to its end, that each is the commit of just the events between, and that no
// acknowledged commit is missing.
func checkMoves(moves []move, commits []handover, f *facts, end events.Position) (found []finding) {
	var at events.Position
	made := map[move]bool{}
	for _, m := range append(slices.Clone(moves), move{end, end}) {
		switch {
		case m.from < at || m.to < m.from:
			found = append(found, finding{isProjectedTwice, fmt.Sprintf("%d to %d, after %d", m.from, m.to, at)})
		case m.from > at:
			found = append(found, finding{isSkipped, fmt.Sprintf("from %d to %d", at, m.from)})
		}
		at, made[m] = max(at, m.to), true
	}
	for _, m := range moves {
		found = append(found, f.judgeMove(m, commits)...)
	}
	for _, c := range commits {
		if c.stored && !made[move{c.from, c.to}] {
			found = append(found, finding{isLostCommit, fmt.Sprintf("%d to %d", c.from, c.to)})
		}
	}
	return found
}

// judgeMove expects a commit of the step with each event once and in order.
// What was erased since may have been in it or not.
func (f *facts) judgeMove(m move, commits []handover) (found []finding) {
	var want []events.EventID
	for _, e := range f.log {
		if m.from < e.Position && e.Position <= m.to {
			want = append(want, e.ID)
		}
	}
	about := fmt.Sprintf("%d to %d", m.from, m.to)
	i := slices.IndexFunc(commits, func(c handover) bool { return c.from == m.from && c.to == m.to })
	if i < 0 {
		return []finding{{isNobodysMove, about}}
	}
	had := slices.DeleteFunc(slices.Clone(commits[i].batch), func(id events.EventID) bool { return len(f.at[id]) == 0 })
	if slices.Equal(had, want) {
		return nil
	}
	once := map[events.EventID]bool{}
	for _, id := range had {
		if once[id] {
			found = append(found, finding{isProjectedTwice, fmt.Sprintf("%s, %s", id, about)})
		}
		once[id] = true
	}
	for _, id := range want {
		if !once[id] {
			found = append(found, finding{isSkipped, fmt.Sprintf("%s, %s", id, about)})
		}
	}
	if len(found) == 0 {
		found = []finding{{isLogNotInOrder, about}}
	}
	return found
}

// verdicts are what findings say, each once.
func verdicts(found []finding) []verdict {
	said := map[verdict]bool{}
	for _, f := range found {
		said[f.verdict] = true
	}
	return slices.Sorted(maps.Keys(said))
}
