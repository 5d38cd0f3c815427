// Package embedded runs the servers that Parley stands on, for whoever has none:
// NATS and an S3 gateway in this process, PostgreSQL as a child of it.
//
// Everything lies in one data folder:
//
//	lock             held while an instance runs; contains its process id
//	servers.json     ports and passwords that stay the same from start to start, and
//	                 which servers are elsewhere
//	connection.json  how to reach the running instance; gone when it stopped
//	nats/            the event log and the vault
//	postgres/        read models; may be deleted, the log rebuilds them
//	s3/              objects, and their metadata in files beside them
//
// [Open] takes the folder for this process, [New] makes [Servers] of it, and
// Start brings up those that are not configured elsewhere, side by side. Each
// server has the same life cycle: Start returns once it answers, Stop blocks
// until it is down, and both may be called twice.
//
// All of them listen on loopback only, with credentials that are made once and
// kept in files of mode 0600.
//
// # What survives what
//
// NATS syncs before it acknowledges, PostgreSQL before it commits, and the
// gateway (which does not by itself) through [durable]. If Parley is killed, the
// kernel tells PostgreSQL to shut down; where kernels cannot do that, the next
// start finds the orphan and stops it.
//
// # Root
//
// PostgreSQL refuses to run as root, so root's server runs as the user nobody.
// If that user cannot reach the binaries or the data folder (a clone under
// /root), the child keeps one capability, to read past closed folders. A data
// folder that root makes can be passed through, though not listed, by others.
//
// # The current directory
//
// The gateway's file backend addresses buckets relative to the current
// directory and moves the process there while it runs. Turn relative paths into
// absolute ones before Start.
package embedded
