// Checks with Go's own packages for transparency logs what tests/books/test_go_reads_it.py gives it as JSON.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func hash(line string) (found tlog.Hash) {
	raw, err := base64.StdEncoding.DecodeString(line)
	must(err)
	copy(found[:], raw)
	return found
}

// opened gives the size and the root of a checkpoint that is signed by the key.
func opened(text string, key note.Verifier) (int64, tlog.Hash) {
	found, err := note.Open([]byte(text), note.VerifierList(key))
	must(err)
	lines := strings.Split(found.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	return size, hash(lines[2])
}

// parts gives the number, the hashes and the checkpoint of a proof.
func parts(text string) (int64, []tlog.Hash, string) {
	both := strings.SplitN(text, "\n\n", 2)
	lines := strings.Split(both[0], "\n")
	number, err := strconv.ParseInt(strings.Split(lines[1], " ")[1], 10, 64)
	must(err)
	hashes := []tlog.Hash{}
	for _, line := range lines[2:] {
		hashes = append(hashes, hash(line))
	}
	return number, hashes, both[1]
}

func main() {
	var given struct {
		Key, Older, Grew string
		Records          []struct{ Data, Proof string }
	}
	must(json.NewDecoder(os.Stdin).Decode(&given))
	key, err := note.NewVerifier(given.Key)
	must(err)
	for _, record := range given.Records {
		index, hashes, text := parts(record.Proof)
		size, root := opened(text, key)
		data, err := base64.StdEncoding.DecodeString(record.Data)
		must(err)
		must(tlog.CheckRecord(hashes, size, root, index, tlog.RecordHash(data)))
	}
	from, hashes, text := parts(given.Grew)
	size, root := opened(text, key)
	older, olderRoot := opened(given.Older, key)
	if from != older {
		must(fmt.Errorf("a proof from another size"))
	}
	must(tlog.CheckTree(hashes, size, root, older, olderRoot))
	fmt.Println("good", len(given.Records), older, size)
}
