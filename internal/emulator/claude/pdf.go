package claude

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strconv"
)

const (
	inflateLimit = 32 << 20 // what all compressed objects of one PDF may unpack to, in bytes
	treeLimit    = 4096     // how many nodes of the page tree are looked at; the root has the greatest count
)

var (
	pageObject  = regexp.MustCompile(`/Type\s*/Page[^s\w]`)
	pagesObject = regexp.MustCompile(`/Type\s*/Pages\b`)
	pageCount   = regexp.MustCompile(`/Count\s+(\d{1,6})\b`)
)

// pdfPages counts the pages of a PDF without reading it properly: the greatest /Count of a page tree,
// or else the page objects, in the file and in its compressed objects. It reports false for what is
// no PDF at all.
func pdfPages(data []byte) (pages int, ok bool) {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return 0, false
	}
	counted, objects := scanPages(data)
	for _, unpacked := range packedObjects(data) {
		c, o := scanPages(unpacked)
		counted, objects = max(counted, c), objects+o
	}
	if counted > 0 {
		return counted, true
	}
	return max(objects, 1), true
}

// scanPages returns the greatest /Count that stands near a page tree's /Type, and how many page
// objects there are. Outlines have a /Count as well, so one that stands alone does not count.
func scanPages(data []byte) (counted, objects int) {
	for _, at := range pagesObject.FindAllIndex(data, treeLimit) {
		for _, m := range pageCount.FindAllSubmatch(dictionary(data, at[0]), -1) {
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

// packedObjects unpacks the object streams of a PDF 1.5 or later, up to inflateLimit in all. What
// does not unpack is left out.
func packedObjects(data []byte) (out [][]byte) {
	room, work := int64(inflateLimit), len(data)+inflateLimit // bytes out, bytes in
	for room > 0 && work > 0 {
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
		unpacked, _ := io.ReadAll(io.LimitReader(z, room)) // a cut stream gives what it has
		room -= int64(len(unpacked))
		work -= len(data) - in.Len()
		out = append(out, unpacked)
	}
	return out
}
