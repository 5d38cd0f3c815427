// Package http is the web door: a chi server with huma operations under /api,
// live updates, and the page itself.
//
// A request passes the edges (security headers, cross-origin protection, body
// limits), then its operation: who is calling is decided from the cookie and
// the log, writes are commands executed on the log, reads come from the read
// models and wait until these have reached the caller's last write. Handlers
// return errors; one place turns their codes into problem documents
// (RFC 9457) and writes one log line.
//
// What a browser reports of a call is decoded here, by http/realtime, and
// mapped onto domain events in one table (relay.go), so that the record has
// one author.
package http
