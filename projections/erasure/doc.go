// Package erasure removes sessions and accounts for good. It holds the rules only:
// vault, store, ledger and log are given to it as narrow interfaces.
//
// A deletion is two pieces of work, each begun by an event and resumed after a
// crash wherever it stopped:
//
//	session_delete_requested → hang up its calls         whose ids the data key seals
//	                           destroy the data key      unreadable, everywhere at once
//	                           remove the objects        all versions, unfinished uploads
//	                           bury its claims on calls  each gets a tombstone that names nobody
//	                           note it in the ledger     so that no backup brings it back
//	                           append session_erased     lists the positions to remove
//	session_erased           → sweep its claims          its own events list them
//	                           sweep those positions     paced: each rewrites a block
//	                           verify                    none is left, and no object
//	                           sweep the log's copies    or name those that cannot be
//	                           append session_erased     again, with the time of the sweep
//
// A crash after the hang-up hangs up once more, which does no harm: a call that is over
// stays so.
//
// The tombstone is appended after everything that must not be forgotten and before
// the sweep, because the sweep removes the very events that the work is known by:
// from then on only the tombstone says that there is something to do, and what.
//
// An account is erased in the same two pieces, around those of all that is its own:
//
//	account_delete_requested → end the sign-ins          reads were closed by the request
//	                           list what belongs to it   as an event, to resume from
//	                           hang up, destroy all keys its own, and each session's
//	                           bury each session         as above
//	                           bury topics, audit trail  each gets a tombstone
//	                           bury claims               on addresses and identities: free for others
//	                           ledger, account_erased
//	account_erased           → sweep all of these        what came too late for the list too
//	                           append account_erased     with the counts of all of these
//	                           sweep its own events
//	                           append account_erased     again, with the time of the sweep
package erasure
