package claude

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strconv"
)

// A Budget bounds the work of looking into the documents of one request that are packed, in bytes: a
// few kilobytes may unpack to many megabytes, and a request may have hundreds of them. What is left
// out when it is spent is as if it were not there.
type Budget int64

// NewBudget returns the Budget of a request.
func NewBudget() *Budget {
	b := Budget(32 << 20)
	return &b
}

// Read reads what a packed part of a document unpacks to, as far as the budget goes.
func (b *Budget) Read(packed io.Reader) []byte {
	unpacked, _ := io.ReadAll(io.LimitReader(packed, int64(*b))) // a cut part gives what it has
	b.spend(len(unpacked) + partCost)
	return unpacked
}

// partCost is what a part costs beyond its length, for the state of the decompressor.
const partCost = 4 << 10

func (b *Budget) spend(n int) { *b -= Budget(n) }

// Spent reports whether nothing is left.
func (b *Budget) Spent() bool { return *b <= 0 }

// treeLimit is how many nodes of the page tree are looked at; the root has the greatest count.
const treeLimit = 4096

var (
	pageObject  = regexp.MustCompile(`/Type\s*/Page[^s\w]`)
	pagesObject = regexp.MustCompile(`/Type\s*/Pages\b`)
	pageCount   = regexp.MustCompile(`/Count\s+(\d{1,6})\b`)
)

// pdfPages counts the pages of a PDF without reading it properly: the greatest /Count of a page tree,
// or else the page objects, in the file and in its compressed objects. It reports false for what is
// no PDF at all.
func pdfPages(data []byte, b *Budget) (pages int, ok bool) {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return 0, false
	}
	counted, objects := scanPages(data, b)
	for _, unpacked := range packedObjects(data, b) {
		c, o := scanPages(unpacked, b)
		counted, objects = max(counted, c), objects+o
	}
	if counted > 0 {
		return counted, true
	}
	return max(objects, 1), true
}

// scanPages returns the greatest /Count that stands near a page tree's /Type, and how many page
// objects there are. Outlines have a /Count as well, so one that stands alone does not count.
func scanPages(data []byte, b *Budget) (counted, objects int) {
	for _, at := range pagesObject.FindAllIndex(data, treeLimit) {
		if b.Spent() {
			break
		}
		near := dictionary(data, at[0])
		b.spend(len(near))
		for _, m := range pageCount.FindAllSubmatch(near, -1) {
			n, _ := strconv.Atoi(string(m[1])) // at most six digits
			counted = max(counted, n)
		}
	}
	return counted, len(pageObject.FindAllIndex(data, -1))
}

// dictionary returns what surely belongs to the dictionary around data[at]: from the last "<<" or
// ">>" before it to the next after it, at most 4 KiB to either side.
func dictionary(data []byte, at int) []byte {
	before, after := data[max(0, at-4096):at], data[at:min(len(data), at+4096)]
	if i := max(bytes.LastIndex(before, []byte("<<")), bytes.LastIndex(before, []byte(">>"))); i >= 0 {
		before = before[i:]
	}
	for _, end := range []string{"<<", ">>"} {
		if i := bytes.Index(after, []byte(end)); i >= 0 {
			after = after[:i]
		}
	}
	return append(bytes.Clone(before), after...)
}

// packedObjects unpacks the object streams of a PDF 1.5 or later. What does not unpack is left out.
func packedObjects(data []byte, b *Budget) (out [][]byte) {
	for !b.Spent() {
		i := bytes.Index(data, []byte("/ObjStm"))
		if i < 0 {
			break
		}
		data = data[i+len("/ObjStm"):]
		start := bytes.Index(data[:min(len(data), 4096)], []byte("stream"))
		if start < 0 {
			continue
		}
		data = bytes.TrimLeft(data[start+len("stream"):], "\r\n")
		in := bytes.NewReader(data)
		z, err := zlib.NewReader(in)
		if err != nil {
			continue
		}
		out = append(out, b.Read(z))
		b.spend(len(data) - in.Len()) // streams may stand within each other
	}
	return out
}
