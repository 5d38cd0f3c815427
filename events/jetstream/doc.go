// Package jetstream is the one door to NATS: the event log, the vault of data
// keys, the workers' queue, sign-ins and the ledger of erasures, each in a
// JetStream stream of its own.
//
// An append is sealed once, guarded by its aggregate's expected last position,
// and sent until the server's answer is definite:
//
//	Append ─ encode, seal ─▶ turn of its aggregate ─▶ committer ─▶ stored
//	                                   ▲                 │ refused
//	                                   └─ still unseen ─ readBack ─▶ ours: stored
//	                                                          └────▶ another's: conflict
//
// The committer (commit.go) sends a lone append at once and by itself. While
// several are on their way, what comes waits for one of them and then leaves as
// one atomic batch (flight.go), each append with its own guard. A refused batch
// is cleared of its conflicts with one request and sent again. The publisher
// (publish.go) is the wire: it sends the same bytes until an answer is definite.
//
// What a decision is made from is read from the stream's leader (leader.go);
// projections read with an ordered consumer (follow.go), workers with a durable
// one (worker.go).
//
//	stream          subject                               holds
//	PARLEY          parley.<kind>.<id>                    every event, for ever
//	PARLEY_KEYS     parley_keys.1.<kind>.<id>             wrapped data keys, or the marker of a destroyed one
//	PARLEY_KEYS_2   parley_keys.2.<kind>.<id>             the same under the next master key, and so on
//	PARLEY_SIGNINS  parley_signins.<hash>                 who is signed in, until it ends
//	PARLEY_ERASED   parley_erased.<session>               when a session was erased
//	PARLEY_TIMERS   parley_timers.armed.<session>         when to look at a session again
//	                parley_timers.due.<session>           that it is time to
//
// A rotation (vault_rotation.go) fills the next generation of keys while programs
// use the old one, has the server refuse every write to that, carries over the
// rest, marks the new one live and deletes the old stream whole. Which generation
// is live stands in the streams alone, so a rotation may be killed anywhere and is
// just begun again.
//
// [Archive] copies streams out and back in as JetStream's own snapshots, framed so
// that one which is cut short is noticed (snapshot.go).
//
// Sealing happens here, at the edge. envelope.go, body.go and sealing.go fix
// the stored bytes, which are for ever: the golden files under testdata hold
// one message of each kind.
package jetstream
