package embedded

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const bucket, object, subject = "parley", "audio/01", "parley.session.01"

// writeAll puts one thing into each server, through its real client.
func writeAll(t *testing.T, c Connection, what string) {
	t.Helper()
	log := dialNATS(t, c)
	if _, err := log.CreateStream(t.Context(), jetstream.StreamConfig{Name: "PARLEY", Subjects: []string{"parley.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Publish(t.Context(), subject, []byte(what)); err != nil {
		t.Fatal(err)
	}
	db := dialPostgres(t, c)
	if _, err := db.Exec(t.Context(), "create table sessions (id text)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "insert into sessions values ($1)", what); err != nil {
		t.Fatal(err)
	}
	store := dialS3(t, c)
	if err := store.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	body := strings.NewReader(what)
	if _, err := store.PutObject(t.Context(), bucket, object, body, body.Size(), minio.PutObjectOptions{ContentType: "audio/webm"}); err != nil {
		t.Fatal(err)
	}
}

// readAll checks that each server still holds what writeAll put there.
func readAll(t *testing.T, c Connection, want string) {
	t.Helper()
	stream, err := dialNATS(t, c).Stream(t.Context(), "PARLEY")
	if err != nil {
		t.Fatal(err)
	}
	message, err := stream.GetLastMsgForSubject(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(message.Data); got != want {
		t.Errorf("NATS holds %q, want %q", got, want)
	}
	var row string
	if err := dialPostgres(t, c).QueryRow(t.Context(), "select id from sessions").Scan(&row); err != nil {
		t.Fatal(err)
	}
	if row != want {
		t.Errorf("PostgreSQL holds %q, want %q", row, want)
	}
	body, err := dialS3(t, c).GetObject(t.Context(), bucket, object, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(stored); got != want {
		t.Errorf("S3 holds %q, want %q", got, want)
	}
	info, err := body.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.ContentType != "audio/webm" {
		t.Errorf("S3 remembers content type %q, want audio/webm", info.ContentType)
	}
}

func dialNATS(t *testing.T, c Connection) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(c.NATS.URL, nats.UserInfo(c.NATS.User, c.NATS.Password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	log, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func dialPostgres(t *testing.T, c Connection) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), c.Postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(t.Context()) }) // the server may be gone by then
	return db
}

func dialS3(t *testing.T, c Connection) *minio.Client {
	t.Helper()
	endpoint, err := url.Parse(c.S3.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	store, err := minio.New(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(c.S3.AccessKey, c.S3.SecretKey, ""),
		Region: c.S3.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}
