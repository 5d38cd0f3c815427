// Package erasure removes a session for good. It holds the rules only: vault,
// store, ledger and log are given to it as narrow interfaces.
//
// A deletion is two pieces of work, each begun by an event and resumed after a
// crash wherever it stopped:
//
//	session_delete_requested → destroy the data key      unreadable, everywhere at once
//	                           remove the objects        all versions, unfinished uploads
//	                           note it in the ledger     so that no backup brings it back
//	                           append session_erased     lists the positions to remove
//	session_erased           → sweep those positions     paced: each rewrites a block
//	                           verify                    none is left, and no object
//	                           append session_erased     again, with the time of the sweep
//
// The tombstone is appended after everything that must not be forgotten and before
// the sweep, because the sweep removes the very events that the work is known by:
// from then on only the tombstone says that there is something to do, and what.
package erasure
