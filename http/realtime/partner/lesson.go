package partner

import (
	"slices"
	"strings"
	"time"
)

// lesson is where in a script a conversation is. A turn of the learner that
// was understood leads to the next exchange. One that was not is asked for
// again once; then the tutor goes on, since nobody likes to be a teacher's
// echo.
type lesson struct {
	script  Script
	turns   int    // of the learner, that counted
	missed  bool   // the last turn was not understood, the tutor asks again
	retried bool   // has asked again in this exchange
	chosen  string // line id; empty: the first counts
	opened  bool   // the tutor's line of this exchange has been said
}

// tutor is what the tutor says now.
func (l *lesson) tutor() Line {
	if l.missed || l.opened {
		return l.script.Again
	}
	return l.script.exchange(l.turns).Tutor
}

// recall takes what a client put into the conversation of what was said in a
// call before: the lesson goes on behind the last line of the tutor in it,
// which is not said again. false: it holds none.
func (l *lesson) recall(text string) bool {
	at, found := -1, 0
	for n, exchange := range slices.Concat(l.script.Exchanges, l.script.Closings) {
		if i := strings.LastIndex(text, exchange.Tutor.Text); i > at {
			at, found = i, n
		}
	}
	if at < 0 {
		return false
	}
	// Closings go round and round; the one that is said stays the one.
	l.turns, l.opened, l.missed, l.retried, l.chosen = found, true, false, false, ""
	rest := text[at:]
	if slices.ContainsFunc(l.lines(), func(line Line) bool { return strings.Contains(rest, line.Text) }) {
		l.next()
	}
	return true
}

// take goes on by what a client wrote into the conversation.
func (l *lesson) take(role, text string) {
	if recalled := l.recall(text); !recalled && role == "user" {
		l.next()
	}
}

// lines are what the learner may answer.
func (l *lesson) lines() []Line { return l.script.exchange(l.turns).Learner }

// choose picks one of the lines; false: it is none of them.
func (l *lesson) choose(id string) bool {
	for _, line := range l.lines() {
		if line.ID == id {
			l.chosen = id
			return true
		}
	}
	return false
}

// line is the one that the learner is taken to say.
func (l *lesson) line() Line {
	for _, line := range l.lines() {
		if line.ID == l.chosen {
			return line
		}
	}
	return l.lines()[0]
}

// spoke takes a turn of that length; understood says whether it can have been
// the line: half to twice as long as the line takes.
func (l *lesson) spoke(length time.Duration) (line Line, understood bool) {
	line = l.line()
	understood = 2*length >= line.Length && length <= 2*line.Length
	if understood || l.retried {
		l.next()
		return line, understood
	}
	l.missed, l.retried = true, true
	return line, false
}

// next goes on to the following exchange.
func (l *lesson) next() {
	l.turns++
	l.missed, l.retried, l.opened, l.chosen = false, false, false, ""
}
