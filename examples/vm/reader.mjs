// Reader: text to nested arrays. Numbers are JavaScript numbers, symbols strings, strings are { text }, and (a . b) is { items, rest }.

export function read(text) {
  const tokens = text.replace(/;.*/g, '').match(/"(?:[^"\\]|\\.)*"|[()']|[^\s()']+/g) ?? [];
  const forms = [];
  while (tokens.length > 0) forms.push(form(tokens));
  return forms;
}

function form(tokens) {
  const token = tokens.shift();
  if (token === undefined) throw new SyntaxError('the text ends where something is expected');
  if (token === ')') throw new SyntaxError('a parenthesis is closed that was not opened');
  if (token === "'") return ['quote', form(tokens)];
  if (token.startsWith('"')) return { text: JSON.parse(token) };
  if (token !== '(') return /^-?\d+$/.test(token) ? Number(token) : token;
  const items = [];
  while (tokens[0] !== ')' && !(tokens[0] === '.' && items.length > 0)) {
    if (tokens.length === 0) throw new SyntaxError('a parenthesis is not closed');
    items.push(form(tokens));
  }
  if (tokens.shift() === ')') return items;
  const rest = form(tokens);
  if (tokens.shift() !== ')') throw new SyntaxError('one thing, and a closing parenthesis, come behind a dot');
  return { items, rest };
}
