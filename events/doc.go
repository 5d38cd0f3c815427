// Package events is the domain of Parley: what can happen, and who may decide
// that it happened.
//
// Everything starts as a command against one aggregate (a session, an account,
// a topic, an e-mail claim). A command is a pure method that looks at the
// folded state and returns draft events, or an [Error] with one of a closed
// list of codes. [Execute] loads the aggregate, folds it, lets the command
// decide, and appends the drafts guarded by the position that the decision was
// made from; on a conflict it starts again from the new state.
//
//	log ── Load ──▶ fold (Evolve) ──▶ decide ──▶ drafts ── Append(expected) ──▶ log
//
// The package knows no technology. The log is reached through the small
// interfaces of log.go, whose adapter is events/jetstream. What a person said,
// wrote or is called is plain here; the adapter seals it before it leaves the
// process (see [Sealable]).
//
// Three things that read models need are pure functions in this package, so
// that they live in one place and a rebuild improves the past: the order of
// segments ([Transcript.Segments]), their times, and a session's status
// ([Facts.Status]).
package events
