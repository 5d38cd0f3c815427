// Package parley is the top of the repository. It holds the one file that is
// read both from the binary and by a server outside it, and the tests of rules
// that cover the whole tree.
package parley

import _ "embed"

// NATSConf is the text of nats.conf, for the embedded event log server.
//
//go:embed nats.conf
var NATSConf string
