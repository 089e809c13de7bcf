package jsonedit

// A parser finds an object's members while it checks the text.
type parser struct {
	nesting
	object *Object
}

func (p *parser) parse() error {
	o := p.object
	src := o.src
	start := space(src, 0)
	if c := at(src, start); c != '{' {
		return syntaxError(src, start, notObject(c))
	}
	p.depth = 1
	i := space(src, start+1)
	if at(src, i) == '}' {
		o.tail = start + 1
		return p.end(i + 1)
	}
	for {
		if err := p.member(start, i); err != nil {
			return err
		}
		m := &o.members[len(o.members)-1]
		i = space(src, m.valueEnd)
		switch at(src, i) {
		case ',':
			m.end, start = i, i
			i = space(src, i+1)
		case '}':
			m.end, o.tail = m.valueEnd, m.valueEnd
			return p.end(i + 1)
		default:
			return syntaxError(src, i, faultComma)
		}
	}
}

// member records the member whose name is at src[i]; start is where the brace or comma before it stands.
func (p *parser) member(start, i int) error {
	o := p.object
	src := o.src
	if len(o.members) == MaxMembers {
		return syntaxError(src, i, faultMembers)
	}
	nameEnd, f := quotedEnd(src, i)
	if f != faultNone {
		return syntaxError(src, nameEnd, f)
	}
	valueStart, f := colonEnd(src, nameEnd)
	if f != faultNone {
		return syntaxError(src, valueStart, f)
	}
	valueEnd, f := p.value(src, valueStart)
	if f != faultNone {
		return syntaxError(src, valueEnd, f)
	}
	o.members = append(o.members, member{
		name:  decoded(src[i+1 : nameEnd-1]),
		value: src[valueStart:valueEnd:valueEnd],
		start: start, valueStart: valueStart, valueEnd: valueEnd,
	})
	return nil
}

// end checks that nothing but white space follows the object.
func (p *parser) end(i int) error {
	src := p.object.src
	if i = space(src, i); i != len(src) {
		return syntaxError(src, i, faultTail)
	}
	return nil
}

// notObject tells another JSON value from what is no JSON, by its first byte.
func notObject(c byte) fault {
	switch c {
	case '[', '"', '-', 't', 'f', 'n', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return faultNotObject
	}
	return faultObject
}
