package jetstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// copyPatience is how long a copy may lag behind before it is named instead of
// waited for.
const copyPatience = 5 * time.Second

// Clean overwrites what other streams of this server hold of events that were at
// some positions of an aggregate, and of its data key: mirrors and streams that take
// the log or the keys in as a source do not follow deletions. Turn is waited for before
// each overwriting. Every copy is told, also one that could not be cleaned, with the
// reason: that is for an operator to act on, and trying again would not help. What is in
// another account or domain cannot be seen from here. Errors: CodeUnavailable.
func (l *Log) Clean(ctx context.Context, of events.Aggregate, positions events.Numbers, turn func(context.Context) error) ([]events.Copy, error) {
	subject, err := subjectOf(of)
	if err != nil {
		return nil, err
	}
	streams, err := allStreams(ctx, l.js)
	if err != nil {
		return nil, err
	}
	w := wipe{
		log: l, turn: turn, origin: logStream, last: uint64(positions.Highest()), holding: "what was overwritten, its words sealed",
		told: "whose header ce-subject is in the ledger of erasures",
		next: logged{l, of, subject, positions}.next, placed: true,
	}
	copies, err := w.all(ctx, streams)
	if err != nil || of.Kind != events.KindOfSession && of.Kind != events.KindOfAccount {
		return copies, err
	}
	ofKeys, err := l.cleanKeys(ctx, of, streams, turn)
	return events.JoinCopies(copies, ofKeys), err
}

// cleanKeys does so with an owner's data key, in every generation of which there is a
// copy: that may outlive the generation itself.
func (l *Log) cleanKeys(ctx context.Context, owner events.Aggregate, streams map[string]*jetstream.StreamInfo, turn func(context.Context) error) ([]events.Copy, error) {
	name, err := keyName(owner)
	if err != nil {
		return nil, err
	}
	var copies []events.Copy
	for _, origin := range keyOrigins(streams) {
		w := wipe{
			log: l, turn: turn, origin: origin, holding: "its data key, wrapped by the master key,",
			told: "whose subject is that of a key of the ledger of erasures",
			next: keysOf(keyPrefixOf(generationOf(origin)) + name),
		}
		if info := streams[origin]; info != nil {
			w.last = info.State.LastSeq
		}
		some, err := w.all(ctx, streams)
		if err != nil {
			return nil, err
		}
		copies = events.JoinCopies(copies, some)
	}
	return copies, nil
}

// keyOrigins are the key streams that are there, and those that are gone and have
// copies, in their order.
func keyOrigins(streams map[string]*jetstream.StreamInfo) []string {
	known := map[string]bool{}
	for name, info := range streams {
		known[name] = true
		for _, source := range takesFrom(info.Config) {
			known[source.Name] = true
		}
	}
	origins := slices.Collect(maps.Keys(known))
	origins = slices.DeleteFunc(origins, func(name string) bool { return generationOf(name) == 0 })
	slices.SortFunc(origins, func(a, b string) int { return generationOf(a) - generationOf(b) })
	return origins
}

// allStreams are all of the server's, by name.
func allStreams(ctx context.Context, js jetstream.JetStream) (map[string]*jetstream.StreamInfo, error) {
	all := map[string]*jetstream.StreamInfo{}
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		all[info.Config.Name] = info
	}
	if err := list.Err(); err != nil {
		return nil, unavailable(err, "the copies of the streams cannot be listed")
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

// wipe is one cleaning of all copies of a stream.
type wipe struct {
	log     *Log
	origin  string
	last    uint64 // position in the origin that a copy must have taken in
	holding string // what is left where it cannot be overwritten
	told    string // by what it is known to who has to find it
	turn    func(context.Context) error
	next    find
	placed  bool // a mirror has it at the same position, whatever its subject
}

// find gives the next message to overwrite in a copy, at or after a position of it;
// nil when there is none.
type find func(ctx context.Context, in leader, mirrors bool, from uint64) (*stored, error)

// all cleans the copies, and names what the replicas of the origin keep.
func (w wipe) all(ctx context.Context, streams map[string]*jetstream.StreamInfo) ([]events.Copy, error) {
	var copies []events.Copy
	if origin := streams[w.origin]; origin != nil {
		copies = w.raftLog(origin)
	}
	for _, stream := range copiesOf(w.origin, streams) {
		c, err := w.stream(ctx, stream)
		if err != nil {
			return nil, err
		}
		copies = append(copies, c)
		copies = append(copies, w.raftLog(stream)...)
	}
	return copies, nil
}

// raftLog names what the replicas of a stream keep beside it. The server offers no
// way to overwrite that, and compacts it when it sees fit: bytes were found there
// after two snapshots of every replica.
func (w wipe) raftLog(info *jetstream.StreamInfo) []events.Copy {
	if info.Config.Replicas < 2 {
		return nil
	}
	return []events.Copy{{Stream: info.Config.Name, Kind: events.CopyRaftLog,
		Left: fmt.Sprintf("the Raft logs of its %d replicas hold %s until the server compacts them", info.Config.Replicas, w.holding)}}
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
	case rewrites(info.Config) && !(w.placed && c.Kind == events.CopyMirror):
		c.Left = "it rewrites subjects, so its messages cannot be found: overwrite those " + w.told
		return c, nil
	}
	if c.Left, err = w.behind(ctx, info); err != nil {
		return c, err
	}
	for from := uint64(1); ; {
		m, err := w.next(ctx, in, c.Kind == events.CopyMirror, from)
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

// rewrites tells whether a copy's subjects may be others than the origin's.
func rewrites(c jetstream.StreamConfig) bool {
	return c.SubjectTransform != nil ||
		slices.ContainsFunc(takesFrom(c), func(s *jetstream.StreamSource) bool { return len(s.SubjectTransforms) > 0 })
}

// logged is what was erased of an aggregate in the log.
type logged struct {
	log       *Log
	of        events.Aggregate
	subject   string
	positions events.Numbers
}

func (l logged) next(ctx context.Context, in leader, mirrors bool, from uint64) (*stored, error) {
	if mirrors {
		return l.inMirror(ctx, in, from)
	}
	return l.inSource(ctx, in, from)
}

// inMirror goes by positions: a mirror keeps them.
func (l logged) inMirror(ctx context.Context, in leader, from uint64) (*stored, error) {
	for _, r := range l.positions.Ranges() {
		for at := max(uint64(r.First), from); at <= uint64(r.Last); at++ {
			m, err := in.at(ctx, at)
			if err != nil {
				return nil, err
			}
			if m != nil && m.header.Get(headerSubject) == l.of.String() {
				return m, nil
			}
		}
	}
	return nil, nil
}

// inSource goes by the subject, as positions are others there: of what was erased only
// tombstones stay, and in a claim what others did.
func (l logged) inSource(ctx context.Context, in leader, from uint64) (*stored, error) {
	for {
		m, err := in.next(ctx, l.subject, from)
		if err != nil || m == nil {
			return nil, err
		}
		kind, _ := events.KindOfType(m.header.Get(headerType))
		stays := kind.IsTombstone()
		if !stays && l.of.Kind.IsClaim() {
			if stays, err = l.isLogged(ctx, m); err != nil {
				return nil, err
			}
		}
		if !stays {
			return m, nil
		}
		from = m.seq + 1
	}
}

// isLogged tells whether the log still holds what a copy holds.
func (l logged) isLogged(ctx context.Context, m *stored) (bool, error) {
	evs, err := l.log.Load(ctx, l.of, 0)
	return slices.ContainsFunc(evs, func(e events.Event) bool { return string(e.ID) == m.header.Get(headerID) }), err
}

// keysOf finds an owner's keys in a copy of a key stream; their marker stays.
func keysOf(subject string) find {
	return func(ctx context.Context, in leader, _ bool, from uint64) (*stored, error) {
		for {
			m, err := in.next(ctx, subject, from)
			if err != nil || m == nil || !isMarker(m.header) {
				return m, err
			}
			from = m.seq + 1
		}
	}
}

// behind waits until the copy has taken in what was erased; else it says that it
// has not: what is on its way could still come.
func (w wipe) behind(ctx context.Context, info *jetstream.StreamInfo) (string, error) {
	if w.last == 0 {
		return "", nil
	}
	late := time.NewTimer(copyPatience)
	defer late.Stop()
	for pause := leastPause; ; {
		if has(info, w.last) {
			return "", nil
		}
		select {
		case <-late.C:
			return "it lags behind; what is on its way to it may still be stored there", nil
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

// has tells whether a copy is past a position of what it copies.
func has(info *jetstream.StreamInfo, last uint64) bool {
	if info.Mirror != nil {
		return info.State.LastSeq >= last
	}
	return !slices.ContainsFunc(info.Sources, func(s *jetstream.StreamSourceInfo) bool { return s.Lag > 0 })
}
