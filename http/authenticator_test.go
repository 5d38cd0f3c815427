package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// authenticator is one in software: it keeps a passkey for one page and signs as
// WebAuthn level 3 says (sections 6.1 and 6.5). Its fields are what can go wrong.
type authenticator struct {
	t        *testing.T
	key      *ecdsa.PrivateKey
	id       []byte
	handle   []byte // whose it is
	origin   string
	rpID     string
	verified bool // the person showed who she is
	counts   bool
	count    uint32
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &authenticator{t: t, key: key, id: []byte(rand.Text()), origin: "https://example.com", rpID: "example.com", verified: true, counts: true}
}

// Bits of the flags in authenticator data.
const (
	flagPresent  = 0x01
	flagVerified = 0x04
	flagAttested = 0x40
)

// data is the authenticator data, up to what an attestation adds.
func (a *authenticator) data(flags byte) []byte {
	if a.verified {
		flags |= flagVerified
	}
	if a.counts {
		a.count++
	}
	page := sha256.Sum256([]byte(a.rpID))
	return binary.BigEndian.AppendUint32(append(page[:], flags|flagPresent), a.count)
}

func (a *authenticator) clientData(kind, challenge string) []byte {
	return a.json(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
}

func (a *authenticator) json(value any) []byte {
	a.t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

func (a *authenticator) cbor(value any) []byte {
	a.t.Helper()
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := mode.Marshal(value)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// make answers creation options with a new passkey.
func (a *authenticator) make(options map[string]any) map[string]any {
	a.t.Helper()
	handle, err := base64.RawURLEncoding.DecodeString(options["user"].(map[string]any)["id"].(string))
	if err != nil {
		a.t.Fatal(err)
	}
	a.handle = handle
	point, err := a.key.PublicKey.Bytes() // 0x04, x, y
	if err != nil {
		a.t.Fatal(err)
	}
	public := a.cbor(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // COSE, ES256
	data := append(a.data(flagAttested), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), public...)
	attestation := a.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	return map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON":    b64(a.clientData("webauthn.create", options["challenge"].(string))),
			"attestationObject": b64(attestation), "transports": []string{"internal"},
		},
	}
}

// sign answers request options.
func (a *authenticator) sign(options map[string]any) map[string]any {
	a.t.Helper()
	data, client := a.data(0), a.clientData("webauthn.get", options["challenge"].(string))
	clientHash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), clientHash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(a.handle),
		},
	}
}
