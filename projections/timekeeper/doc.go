// Package timekeeper ends sessions that were abandoned. It holds the rules only:
// log and timers are given to it as narrow interfaces.
//
// A session is abandoned when it has not ended and nothing was heard of it for a
// time, 30 minutes unless configured otherwise: no report of its browser, no token,
// no upload. Its page is gone then, or its learner is. Ending it loses nothing: it
// takes no new call, but what the browser still holds is taken in as before, and
// the later visit that brings it may name more than was known here.
//
// Each session has one timer, armed when the session starts. A timer is a hint: what
// to do follows from the session as the log knows it. So one that fires early, late,
// twice or for a session that has ended does no harm, and one that finds a session
// alive is armed again for the moment at which its silence would be long enough. An
// hour of talking takes three timers at most, not one for each event.
//
//	session_started → arm            begun + silence
//	the timer fires → ended, deleted nothing
//	                  heard of since arm again, last event + silence
//	                  else           session_ended {abandoned}
//
// Timers that were lost are made good by [Timekeeper.Rearm], which goes through the
// log.
package timekeeper
