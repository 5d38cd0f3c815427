// Package timekeeper ends sessions whose time is over. It holds the rules only:
// log and timers are given to it as narrow interfaces.
//
// There are three ends, and the earliest counts. A session's tokens say how long
// it may last at most, by the server's clock: its own limit, or what its learner
// may still talk that day. It is idle when a call is up in which nobody has spoken
// for a time. And it is abandoned when nothing was heard of it for a time, 30 minutes unless configured otherwise: no report of its browser, no token,
// no upload. Its page is gone then, or its learner is. Ending it loses nothing: it
// takes no new call, but what the browser still holds is taken in as before, and
// the later visit that brings it may name more than was known here.
//
// Each session has one timer, armed when the session starts and whenever it may
// have less time than before. A timer is a hint: what
// to do follows from the session as the log knows it. So one that fires early, late,
// twice or for a session that has ended does no harm, and one that finds a session
// alive is armed again for the moment at which its time would be over: one timer
// for each limit that passes, not one for each event.
//
//	started, token, connected → arm            the earliest end
//	the timer fires           → ended, deleted nothing
//	                            heard of since arm again, the earliest end
//	                            else           session_ended {why}
//
// Timers that were lost are made good by [Timekeeper.Rearm], which goes through the
// log.
package timekeeper
