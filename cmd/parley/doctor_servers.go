package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"parley/cmd/parley/embedded"
	"parley/projections"
)

const (
	examineTimeout = 5 * time.Second
	postgresLeast  = 150000 // 15.0, as server_version_num has it
)

// natsLeast compacts under sync_interval always without losing its sync, which
// servers before it did not (event log page, Durability).
var natsLeast = []int{2, 15, 2}

// How far a server's clock may be off. From the second on S3 refuses signatures
// (15 minutes) and tokens seem expired.
const (
	skewSmall = 2 * time.Second
	skewLarge = time.Minute
)

func examineServers(ctx context.Context, to reach) []finding {
	var found []finding
	for _, look := range []func(context.Context, reach) []finding{examineLog, examineViews, examineStore, examineIdentity} {
		bounded, cancel := context.WithTimeout(ctx, examineTimeout)
		found = append(found, look(bounded, to)...)
		cancel()
	}
	return found
}

func examineLog(ctx context.Context, to reach) []finding {
	const check = "log"
	log, nc, err := openLog(ctx, to.config, *to.servers.NATS, to.dir)
	if err != nil {
		return []finding{{check, problem, sentence(err), "start the NATS server, or correct PARLEY_NATS_URL; a wrong master key is put right in the data folder or PARLEY_MASTER_KEY"}}
	}
	defer nc.Close()
	defer log.Close()
	id, err := log.Identity(ctx)
	if err != nil {
		return []finding{{check, problem, sentence(err), "look at the NATS server's own log"}}
	}
	found := []finding{
		{check, fine, fmt.Sprintf("epoch %s, made %s, positions %s to %s", id.Epoch, id.Created.Format(time.DateTime), id.First, id.Last), ""},
		natsVersion(nc.ConnectedServerVersion()),
	}
	js, err := jetstream.New(nc)
	asked := time.Now()
	if err != nil {
		return append(found, finding{check, problem, err.Error(), "look at the NATS server's own log"})
	}
	stream, err := js.Stream(ctx, log.Stream())
	if err != nil {
		return append(found, finding{check, problem, err.Error(), "look at the NATS server's own log"})
	}
	found = append(found, skew("log", stream.CachedInfo().TimeStamp, asked, time.Now()))
	return append(found, durability(ctx, to, nc.ConnectedServerId())...)
}

func natsVersion(version string) finding {
	const check = "nats"
	part := make([]int, len(natsLeast))
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &part[0], &part[1], &part[2]); err != nil {
		return finding{check, notice, "version " + version + " cannot be compared", "use 2.15.2 or newer"}
	}
	if slices.Compare(part, natsLeast) < 0 {
		return finding{check, problem, "version " + version + " can lose acknowledged events while it compacts", "use 2.15.2 or newer"}
	}
	return finding{check, fine, "version " + version, ""}
}

// examineIdentity compares the log with what the read models remember of it.
func examineIdentity(ctx context.Context, to reach) []finding {
	b, err := openBackend(ctx, to.config, to.servers, to.dir, silent())
	if err != nil {
		return nil // the others have said what cannot be reached
	}
	defer b.close()
	return []finding{compareLog(ctx, b)}
}

// compareLog tells whether the log is the one that the read models were made from.
func compareLog(ctx context.Context, b *backend) finding {
	const check = "identity"
	at, err := checkLog(ctx, b)
	var mismatch *projections.Mismatch
	switch {
	case errors.As(err, &mismatch):
		return finding{check, problem, mismatch.Error(), mismatch.Advice()}
	case err != nil:
		return finding{check, problem, sentence(err), "look at what NATS and PostgreSQL log; parley rebuild makes the read models anew"}
	}
	return finding{check, fine, fmt.Sprintf("the log is the one that the read models were made from, up to %s", at.Position), ""}
}

// checkLog compares the log with what the read models remember of it. Errors: a
// *projections.Mismatch, CodeUnavailable.
func checkLog(ctx context.Context, b *backend) (projections.Checkpoint, error) {
	at, err := b.views.Checkpoint(ctx, b.log.Stream())
	if err != nil {
		return at, err
	}
	now, err := b.log.Identity(ctx)
	if err == nil {
		err = projections.Check(ctx, b.log, at, now)
	}
	return at, err
}

func examineViews(ctx context.Context, to reach) []finding {
	const check = "postgresql"
	cure := "start PostgreSQL, or correct PARLEY_POSTGRES_URL; if its data is lost, give it an empty database: the log fills it again"
	conn, err := pgx.Connect(ctx, to.servers.Postgres.URL)
	if err != nil {
		return []finding{{check, problem, "cannot be reached: " + cause(err).Error(), cure}}
	}
	defer conn.Close(ctx)
	var version string
	var number int
	var now time.Time
	asked := time.Now()
	err = conn.QueryRow(ctx, "select current_setting('server_version'), current_setting('server_version_num')::int, clock_timestamp()").Scan(&version, &number, &now)
	if err != nil {
		return []finding{{check, problem, "does not answer: " + cause(err).Error(), cure}}
	}
	answered := time.Now()
	found := finding{check, fine, "version " + version, ""}
	if number < postgresLeast {
		found = finding{check, problem, "version " + version + " is too old", "use 15 or newer"}
	}
	return []finding{found, skew(check, now, asked, answered)}
}

func examineStore(ctx context.Context, to reach) []finding {
	const check = "store"
	store, _, err := openStore(ctx, to.config, *to.servers.S3)
	if err == nil {
		err = store.Ping(ctx)
	}
	if err != nil {
		return []finding{{check, problem, sentence(err), "start the S3 server, or correct PARLEY_S3_ENDPOINT and its keys"}}
	}
	found := []finding{{check, fine, "answers, and has the bucket " + to.config.S3Bucket, ""}}
	return append(found, storeClock(ctx, *to.servers.S3)...)
}

// storeClock reads version and clock from the headers of any answer, a refusal too.
func storeClock(ctx context.Context, at embedded.S3Connection) []finding {
	const check = "store"
	ask, err := http.NewRequestWithContext(ctx, http.MethodHead, at.Endpoint, nil)
	if err != nil {
		return []finding{{check, problem, err.Error(), "correct PARLEY_S3_ENDPOINT"}}
	}
	asked := time.Now()
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return []finding{{check, problem, err.Error(), "start the S3 server"}}
	}
	answer.Body.Close()
	now, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return []finding{{check, notice, "does not tell its time", "compare its clock yourself"}}
	}
	server := answer.Header.Get("Server")
	if server == "" {
		server = "a server without a name"
	}
	return []finding{
		{check, fine, server, ""},
		skew(check, now.Add(time.Second/2), asked, time.Now()), // the header has whole seconds
	}
}

// skew compares a server's clock with ours, at the middle of the question.
func skew(server string, theirs, asked, answered time.Time) finding {
	const check = "clock"
	off := theirs.Sub(asked.Add(answered.Sub(asked) / 2)).Round(time.Millisecond)
	says := fmt.Sprintf("that of %s is %s from ours", server, off)
	cure := "let both machines keep time by NTP"
	switch {
	case off.Abs() >= skewLarge:
		return finding{check, problem, says, cure}
	case off.Abs() >= skewSmall:
		return finding{check, notice, says, cure}
	}
	return finding{check, fine, says, ""}
}
