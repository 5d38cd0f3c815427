package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// copyPatience is how long a copy may lag behind before it is named instead of
// waited for.
const copyPatience = 5 * time.Second

// Clean overwrites what other streams of this server hold of events that were at
// some positions of an aggregate: mirrors and streams that take the log in as a
// source do not follow deletions. Turn is waited for before each overwriting.
// Every copy is told, also one that could not be cleaned, with the reason: that is
// for an operator to act on, and trying again would not help. What is in another
// account or domain cannot be seen from here. Errors: CodeUnavailable.
func (l *Log) Clean(ctx context.Context, of events.Aggregate, positions events.Numbers, turn func(context.Context) error) ([]events.Copy, error) {
	subject, err := subjectOf(of)
	if err != nil {
		return nil, err
	}
	streams, err := l.streams(ctx)
	if err != nil {
		return nil, err
	}
	w := wipe{log: l, of: of, subject: subject, positions: positions, turn: turn}
	var copies []events.Copy
	for _, stream := range copiesOf(logStream, streams) {
		c, err := w.stream(ctx, stream)
		if err != nil {
			return nil, err
		}
		copies = append(copies, c)
		copies = append(copies, raftLog(stream)...)
	}
	if origin := streams[logStream]; origin != nil {
		copies = append(raftLog(origin), copies...)
	}
	return copies, nil
}

// streams are all of the server's, by name.
func (l *Log) streams(ctx context.Context) (map[string]*jetstream.StreamInfo, error) {
	all := map[string]*jetstream.StreamInfo{}
	list := l.js.ListStreams(ctx)
	for info := range list.Info() {
		all[info.Config.Name] = info
	}
	if err := list.Err(); err != nil {
		return nil, unavailable(err, "the copies of the event log cannot be listed")
	}
	return all, nil
}

// copiesOf are the streams that take messages from another one, or from a copy of
// it, in the order of their names.
func copiesOf(origin string, streams map[string]*jetstream.StreamInfo) []*jetstream.StreamInfo {
	known := map[string]bool{origin: true}
	for grown := true; grown; {
		grown = false
		for name, info := range streams {
			if !known[name] && slices.ContainsFunc(takesFrom(info.Config), func(s *jetstream.StreamSource) bool { return known[s.Name] }) {
				known[name], grown = true, true
			}
		}
	}
	delete(known, origin)
	var copies []*jetstream.StreamInfo
	for name := range known {
		copies = append(copies, streams[name])
	}
	slices.SortFunc(copies, func(a, b *jetstream.StreamInfo) int {
		if a.Config.Name < b.Config.Name {
			return -1
		}
		return 1
	})
	return copies
}

// takesFrom are the streams of the same server that a stream copies.
func takesFrom(c jetstream.StreamConfig) []*jetstream.StreamSource {
	all := slices.Clone(c.Sources)
	if c.Mirror != nil {
		all = append(all, c.Mirror)
	}
	return slices.DeleteFunc(all, func(s *jetstream.StreamSource) bool { return s.External != nil })
}

// raftLog names what the replicas of a stream keep beside it. The server offers no
// way to overwrite that, and compacts it when it sees fit: bytes were found there
// after two snapshots of every replica.
func raftLog(info *jetstream.StreamInfo) []events.Copy {
	if info.Config.Replicas < 2 {
		return nil
	}
	return []events.Copy{{Stream: info.Config.Name, Kind: events.CopyRaftLog,
		Left: fmt.Sprintf("the Raft logs of its %d replicas hold sealed bytes, whose key is gone, until the server compacts them", info.Config.Replicas)}}
}

// wipe is one cleaning of all copies.
type wipe struct {
	log       *Log
	of        events.Aggregate
	subject   string
	positions events.Numbers
	turn      func(context.Context) error
}

// stream cleans one copy.
func (w wipe) stream(ctx context.Context, info *jetstream.StreamInfo) (events.Copy, error) {
	c := events.Copy{Stream: info.Config.Name, Kind: events.CopySource}
	if info.Config.Mirror != nil {
		c.Kind = events.CopyMirror
	}
	in := leader{w.log.nc, info.Config.Name, w.log.config.AnswerWait}
	var err error
	switch {
	case info.Config.DenyDelete:
		c.Left = "its setting deny_delete forbids to overwrite messages, and cannot be taken back: delete the stream"
		return c, nil
	case c.Kind == events.CopySource && rewrites(info.Config):
		c.Left = "it rewrites subjects, so its messages cannot be found: overwrite those whose header ce-subject is " + w.of.String()
		return c, nil
	}
	if c.Left, err = w.behind(ctx, info); err != nil {
		return c, err
	}
	find := w.inSource
	if c.Kind == events.CopyMirror {
		find = w.inMirror
	}
	for from := uint64(1); ; {
		m, err := find(ctx, in, from)
		if err != nil || m == nil {
			return c, err
		}
		if err := w.turn(ctx); err != nil {
			return c, err
		}
		var refused *jetstream.APIError
		switch err := in.erase(ctx, m.seq); {
		case errors.As(err, &refused):
			c.Left = "its server refuses to overwrite messages: " + refused.Description
			return c, nil
		case err != nil:
			return c, err
		}
		c.Removed++
		from = m.seq + 1
	}
}

// rewrites tells whether a copy's subjects may be others than the log's.
func rewrites(c jetstream.StreamConfig) bool {
	return c.SubjectTransform != nil ||
		slices.ContainsFunc(takesFrom(c), func(s *jetstream.StreamSource) bool { return len(s.SubjectTransforms) > 0 })
}

// inMirror finds the next message to overwrite in a mirror: it keeps positions.
func (w wipe) inMirror(ctx context.Context, in leader, from uint64) (*stored, error) {
	for _, r := range w.positions.Ranges() {
		for at := max(uint64(r.First), from); at <= uint64(r.Last); at++ {
			m, err := in.at(ctx, at)
			if err != nil {
				return nil, err
			}
			if m != nil && m.header.Get(headerSubject) == w.of.String() {
				return m, nil
			}
		}
	}
	return nil, nil
}

// inSource finds the next message to overwrite in a stream with positions of its
// own: of what was erased only tombstones stay.
func (w wipe) inSource(ctx context.Context, in leader, from uint64) (*stored, error) {
	for {
		m, err := in.next(ctx, w.subject, from)
		if err != nil || m == nil {
			return nil, err
		}
		kind, _ := events.KindOfType(m.header.Get(headerType))
		if !kind.IsTombstone() {
			return m, nil
		}
		from = m.seq + 1
	}
}

// behind waits until the copy has taken in what was erased; else it says that it
// has not: what is on its way could still come.
func (w wipe) behind(ctx context.Context, info *jetstream.StreamInfo) (string, error) {
	ranges := w.positions.Ranges()
	if len(ranges) == 0 {
		return "", nil
	}
	last := uint64(ranges[len(ranges)-1].Last)
	late := time.NewTimer(copyPatience)
	defer late.Stop()
	for pause := leastPause; ; {
		if has(info, last) {
			return "", nil
		}
		select {
		case <-late.C:
			return "it lags behind the log; what is on its way to it may still be stored there", nil
		default:
		}
		if err := rest(ctx, &pause); err != nil {
			return "", unavailable(err, "the sweep was interrupted")
		}
		var err error
		if info, err = lookUp(ctx, w.log.js, info.Config.Name); err != nil {
			return "", err
		}
		if info == nil {
			return "it was deleted meanwhile", nil
		}
	}
}

// has tells whether a copy is past a position of the log.
func has(info *jetstream.StreamInfo, last uint64) bool {
	if info.Mirror != nil {
		return info.State.LastSeq >= last
	}
	return !slices.ContainsFunc(info.Sources, func(s *jetstream.StreamSourceInfo) bool { return s.Lag > 0 })
}
