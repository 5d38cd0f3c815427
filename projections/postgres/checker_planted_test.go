package postgres_test

import (
	"slices"
	"testing"

	"parley/events"
)

// planted is a small world in which all is well, until a test plants something.
type planted struct {
	operations []operation
	log        []events.Event
	commits    []handover
	moves      []move
	end        events.Position
}

// wellOrdered is anna's session with two appends (one of two events, one
// settled late), a refused one and one that never left; bea's, which was erased
// with its first event swept; and what a projector made of it.
func wellOrdered() *planted {
	anna, bea := first.Aggregate(), second.Aggregate()
	at := func(id string, of events.Aggregate, p events.Position, body events.Body) events.Event {
		return events.Event{ID: events.EventID(id), Aggregate: of, Position: p, Body: body}
	}
	muted := &events.RecordingMuted{}
	return &planted{
		operations: []operation{
			{to: anna, ids: ids("a1", "a2"), invoked: 1, answered: 3, at: 2},
			{to: bea, ids: ids("b1"), invoked: 2, answered: 5, at: 3},
			{to: anna, ids: ids("late"), expected: 1, invoked: 4, answered: 6, code: events.CodeConflict},
			{to: anna, ids: ids("a3"), expected: 2, invoked: 7, answered: 9, at: 4, unknown: true},
			{to: bea, ids: ids("b2"), expected: 3, invoked: 8, answered: 10, at: 5},
			{to: anna, ids: ids("down"), expected: 4, invoked: 11, answered: 12, code: events.CodeUnavailable},
		},
		log: []events.Event{
			at("a1", anna, 1, muted), at("a2", anna, 2, muted), at("a3", anna, 4, muted),
			at("b2", bea, 5, &events.SessionErased{Positions: events.NumbersOf(3)}),
		},
		commits: []handover{
			{0, 2, ids("a1", "a2"), true},
			{2, 4, ids("b1", "a3"), false}, // its answer was lost
			{4, 5, ids("b2"), true},
			{4, 5, ids("b2"), false}, // by one who was fenced off
		},
		moves: []move{{0, 2}, {2, 4}, {4, 5}},
		end:   5,
	}
}

func ids(all ...events.EventID) []events.EventID { return all }

func (p *planted) check() []verdict {
	f := factsOf(p.log)
	return verdicts(append(checkAppends(p.operations, f), checkMoves(p.moves, p.commits, f, p.end)...))
}

// A check that cannot fail says nothing: each fault that is planted is named,
// and nothing else is.
func TestCheckerNamesWhatIsPlanted(t *testing.T) {
	if got := wellOrdered().check(); len(got) > 0 {
		t.Fatalf("where all is well it finds %v", got)
	}
	for name, c := range map[string]struct {
		plant func(*planted)
		want  []verdict
	}{
		"a lost event": {func(p *planted) {
			p.log = slices.Delete(p.log, 2, 3)
		}, []verdict{isLost}},
		"an event lost in the middle of an append": {func(p *planted) {
			p.log = slices.Delete(p.log, 0, 1)
		}, []verdict{isLost}},
		"an event lost that no tombstone lists": {func(p *planted) {
			p.log[3].Body = &events.SessionErased{}
		}, []verdict{isLost, isUnguarded}},
		"an event stored twice": {func(p *planted) {
			again := p.log[2]
			again.Position = 6
			p.log, p.end = append(p.log, again), 6
			p.commits, p.moves = append(p.commits, handover{5, 6, ids("a3"), true}), append(p.moves, move{5, 6})
		}, []verdict{isTwice}},
		"an event at another position": {func(p *planted) {
			p.operations[3].at = 3
		}, []verdict{isElsewhere}},
		"an event behind one that was not expected": {func(p *planted) {
			p.operations[3].expected = 1
		}, []verdict{isUnguarded}},
		"two appends, the later one stored first": {func(p *planted) {
			p.operations[0].invoked, p.operations[0].answered = 22, 23
		}, []verdict{isOutOfOrder}},
		"the log out of order": {func(p *planted) {
			p.log[1], p.log[2] = p.log[2], p.log[1]
		}, []verdict{isLogNotInOrder}},
		"an event from nowhere": {func(p *planted) {
			p.operations = slices.Delete(p.operations, 3, 4)
		}, []verdict{isNobodysEvent}},
		"an event in another session": {func(p *planted) {
			p.operations[3].to = second.Aggregate()
		}, []verdict{isNobodysEvent, isUnguarded}},
		"a refused event that is stored": {func(p *planted) {
			p.operations[3].code = events.CodeConflict
		}, []verdict{isStoredRefused}},
		"an unsent event that is stored": {func(p *planted) {
			p.operations[3].code = events.CodeUnavailable
		}, []verdict{isStoredRefused}},
		"a refusal for nothing": {func(p *planted) {
			p.operations[2].expected = 4
		}, []verdict{isRefusedInVain}},
		"an append without an answer": {func(p *planted) {
			p.operations[3].answered = 0
		}, []verdict{isNeverSettled}},
		"an append that stays unknown": {func(p *planted) {
			p.operations[3].code = events.CodeUnknown
		}, []verdict{isNeverSettled}},
		"an odd answer": {func(p *planted) {
			p.operations[2].code = events.CodeInternal
		}, []verdict{isOddlyAnswered}},
		"a batch projected twice": {func(p *planted) {
			p.moves = slices.Insert(p.moves, 1, move{0, 2})
		}, []verdict{isProjectedTwice}},
		"a checkpoint that went back": {func(p *planted) {
			p.moves = append(p.moves, move{5, 4})
			p.commits = append(p.commits, handover{5, 4, nil, true})
		}, []verdict{isProjectedTwice}},
		"an event twice in a batch": {func(p *planted) {
			p.commits[0].batch = ids("a1", "a1", "a2")
		}, []verdict{isProjectedTwice}},
		"a batch left out": {func(p *planted) {
			p.moves, p.commits = slices.Delete(p.moves, 1, 2), slices.Delete(p.commits, 1, 2)
		}, []verdict{isSkipped}},
		"the end left out": {func(p *planted) {
			p.moves, p.commits = p.moves[:2], p.commits[:2]
		}, []verdict{isSkipped}},
		"an event left out of a batch": {func(p *planted) {
			p.commits[0].batch = ids("a2")
		}, []verdict{isSkipped}},
		"a batch out of order": {func(p *planted) {
			p.commits[0].batch = ids("a2", "a1")
		}, []verdict{isLogNotInOrder}},
		"a checkpoint moved by hand": {func(p *planted) {
			p.commits = slices.Delete(p.commits, 1, 2)
		}, []verdict{isNobodysMove}},
		"a commit that was answered and is not there": {func(p *planted) {
			p.commits = append(p.commits, handover{3, 5, ids("a3", "b2"), true})
		}, []verdict{isLostCommit}},
	} {
		t.Run(name, func(t *testing.T) {
			p := wellOrdered()
			c.plant(p)
			slices.Sort(c.want)
			if got := p.check(); !slices.Equal(got, c.want) {
				t.Errorf("it finds %q, want %q", got, c.want)
			}
		})
	}
}
