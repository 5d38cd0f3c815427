package postgres_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	process "os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"parley/projections/postgres"
)

// A child of the tests projects a log and kills itself when it is about to send
// its n-th packet to PostgreSQL, or has just sent it: before and after each
// step of the loop, from the claim to the commit.
const (
	killEnv   = "PARLEY_TEST_KILL"       // n, and "before" or "after"
	serverEnv = "PARLEY_TEST_KILL_URL"   // of PostgreSQL
	viewsEnv  = "PARLEY_TEST_KILL_VIEWS" // the schema of the views
)

// killedLog is the same in the child and in its parent, cut into small batches.
func killedLog() *tape {
	log := tapeOf(conversations(6)...)
	log.cuts = []cut{{size: 17}, {size: 30, again: 4}}
	return log
}

// projectUntilKilled is what the child does; it returns only when it was not
// killed.
func projectUntilKilled() error {
	ctx := context.Background()
	when := strings.Fields(os.Getenv(killEnv))
	n, err := strconv.Atoi(when[0])
	if err != nil {
		return err
	}
	url, err := deadlyRelay(os.Getenv(serverEnv), int64(n), when[1] == "after")
	if err != nil {
		return err
	}
	db := postgres.New(postgres.Config{URL: url, Views: os.Getenv(viewsEnv)})
	if err := db.Open(ctx); err != nil {
		return err
	}
	log := killedLog()
	projector := newProjector(log, postgres.NewStore(db, newVault()))
	log.settled = projector.Wait
	go projector.Run(ctx)
	return projector.Wait(ctx, log.identity.Last)
}

// deadlyRelay passes packets on to PostgreSQL until the n-th, counted from the
// first claim on, and then kills this process.
func deadlyRelay(url string, n int64, after bool) (string, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	var sent atomic.Int64
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))))
			if err != nil {
				return
			}
			go io.Copy(from, to)
			go relay(from, to, &sent, n, after)
		}
	}()
	return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable&pool_max_conns=1", config.User, config.Password, listener.Addr(), config.Database), nil
}

func relay(from io.Reader, to io.Writer, sent *atomic.Int64, n int64, after bool) {
	packet := make([]byte, 1<<20)
	for claimed := false; ; {
		size, err := from.Read(packet)
		if err != nil {
			return
		}
		claimed = claimed || strings.Contains(string(packet[:size]), "as c (stream, fence")
		deadly := claimed && sent.Add(1) == n
		if deadly && !after {
			kill()
		}
		if _, err := to.Write(packet[:size]); err != nil {
			return
		}
		if deadly {
			kill()
		}
	}
}

// kill ends this process as kill -9 does.
func kill() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {}
}

// Wherever the projector is killed, the next one goes on to the rows of one
// fold in memory.
func TestKilledProjector(t *testing.T) {
	log := killedLog()
	straight := newRebuilding(t, log)
	project(t, log, straight.store)
	want := straight.dump(t)
	for n := 2; n <= 12; n++ {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s packet %d", when, n), func(t *testing.T) {
				r := newRebuilding(t, log)
				child := process.CommandContext(t.Context(), os.Args[0])
				child.Env = append(os.Environ(), killEnv+"="+strconv.Itoa(n)+" "+when, serverEnv+"="+server.URL(), viewsEnv+"="+r.config.Views)
				out, err := child.CombinedOutput()
				if child.ProcessState == nil || child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the child was not killed: %v\n%s", err, out)
				}
				at, err := r.views.Checkpoint(t.Context(), "PARLEY")
				if err != nil || at.Position >= log.identity.Last {
					t.Fatalf("it stood at %d, %v", at.Position, err)
				}
				project(t, log, r.store)
				if diff := cmp.Diff(want, r.dump(t)); diff != "" {
					t.Errorf("killed at %d (-fold +rows)\n%s", at.Position, diff)
				}
			})
		}
	}
}
