// Package eventstest is what tests of the event log and of its readers stand
// on: a NATS server in the process ([StartNATS]) or three of them that form a
// cluster ([StartCluster]), a log with a clock and ids that come out the same
// every time ([NewBundle]), the conformance suite that every [events.Log] passes
// ([Conformance]), a realistic event of each kind ([Sample]), and given/when/then
// for the domain ([Given]).
//
// Nothing here stands in for a server: the log is the real one, on the real
// JetStream, syncing before every acknowledgement.
package eventstest
