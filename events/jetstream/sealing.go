package jetstream

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"parley/events"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// sealBytes encrypts with AES-256-GCM. The result is nonce (12 bytes) and
// ciphertext with tag; about names what the bytes belong to, so that they
// open nowhere else.
func sealBytes(key []byte, random io.Reader, plain, about []byte) ([]byte, error) {
	aead, err := aeadOf(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, events.Wrap(err, events.CodeInternal, "no random numbers for a nonce")
	}
	return aead.Seal(nonce, nonce, plain, about), nil
}

// openBytes decrypts what sealBytes made. Errors: CodeInvalid when key, bytes
// or what they are about do not fit together.
func openBytes(key []byte, sealed, about []byte) ([]byte, error) {
	aead, err := aeadOf(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, events.Errorf(events.CodeInvalid, "the sealed part is too short")
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], about)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the seal does not open")
	}
	return plain, nil
}

// aeadOf is made anew for each use: an expanded key that is kept could not be
// wiped.
func aeadOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	return cipher.NewGCM(block)
}

// frame joins texts so that no two lists of texts give the same bytes: each
// has its length in front, 32 bits, big-endian.
func frame(texts ...string) []byte {
	var framed []byte
	for _, text := range texts {
		framed = binary.BigEndian.AppendUint32(framed, uint32(len(text)))
		framed = append(framed, text...)
	}
	return framed
}

// derive makes a key for one purpose (HKDF with SHA-256, RFC 5869).
func derive(key []byte, purpose string) (derived [keySize]byte, err error) {
	out, err := hkdf.Key(sha256.New, key, nil, "parley/"+purpose, keySize)
	if err != nil {
		return derived, fmt.Errorf("derive a key: %w", err)
	}
	copy(derived[:], out)
	return derived, nil
}
