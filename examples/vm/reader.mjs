// Reader: text to nested arrays. Numbers are JavaScript numbers, symbols strings, and strings are { text }.

export function read(text) {
  const tokens = text.replace(/;.*/g, '').match(/"(?:[^"\\]|\\.)*"|[()']|[^\s()']+/g) ?? [];
  const forms = [];
  while (tokens.length > 0) forms.push(form(tokens));
  return forms;
}

function form(tokens) {
  const token = tokens.shift();
  if (token === "'") return ['quote', form(tokens)];
  if (token.startsWith('"')) return { text: JSON.parse(token) };
  if (token !== '(') return /^-?\d+$/.test(token) ? Number(token) : token;
  const list = [];
  while (tokens[0] !== ')') {
    if (tokens.length === 0) throw new SyntaxError('a parenthesis is not closed');
    list.push(form(tokens));
  }
  tokens.shift();
  return list;
}
