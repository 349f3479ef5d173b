"""Checks requests and replies against a vendor's OpenAPI 3 or Swagger 2 document: paths, methods, required and known parameters, and bodies against their
schemas. Only what such documents use is understood: $ref, allOf, type, enum, properties, required, items, additionalProperties, minimum,
maximum, lengths, uniqueItems, and pattern where it is one of Python's too. Nothing is fetched. An independent validator may be put beside it: --prism of
fake_http.py."""
import json
import re
from urllib.parse import parse_qs, unquote, urlsplit


def matches(pattern, text):
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


class Description:
    def __init__(self, path, prefix='', closed=False):
        self.closed = closed  # members that a schema does not have are wrong, though the document does not say so
        with open(path, encoding='utf-8') as f:
            self.doc = json.load(f)
        self.prefix = prefix  # of request paths, before those of the document
        self.paths = []
        for template, item in self.doc['paths'].items():
            pattern = '^' + re.sub(r'\\\{[^}]*\\\}', '([^/]+)', re.escape(template)) + '$'
            self.paths.append((template.count('{'), re.compile(pattern), template, item))
        self.paths.sort(key=lambda p: p[0])  # the most literal first

    def ref(self, node):
        while isinstance(node, dict) and '$ref' in node:
            target = self.doc
            for part in node['$ref'].lstrip('#/').split('/'):
                target = target[part.replace('~1', '/').replace('~0', '~')]
            node = target
        return node

    def find(self, method, path):
        """(operation, path item, template), or None where the document does not have the path at all."""
        if self.prefix and path.startswith(self.prefix):
            path = path[len(self.prefix):]
        known = False
        for _, pattern, template, item in self.paths:
            if pattern.match(path):
                known = True
                if method.lower() in item:
                    return item[method.lower()], item, template
        return (None, None, path) if known else None

    def members(self, schema):
        """The names that a schema and those it is made of have; None: any may be there."""
        schema, out = self.ref(schema), set()
        for part in [{k: v for k, v in schema.items() if k != 'allOf'}] + schema.get('allOf', []):
            part = self.ref(part)
            inner = self.members(part) if 'allOf' in part else set(part.get('properties', ()))
            if inner is None or part.get('additionalProperties') or ('properties' not in part and 'allOf' not in part and part.get('type') == 'object'):
                return None
            out |= inner
        return out or None

    def value(self, schema, v, where, out, inherited=False):
        schema = self.ref(schema)
        if self.closed and isinstance(v, dict) and not inherited:
            known = self.members(schema)
            out.extend(f'{where}.{name} is not known' for name in v if known is not None and name not in known)
        for part in schema.get('allOf', ()):
            self.value(part, v, where, out, True)
        kind = schema.get('type')
        fits = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'integer': int, 'number': (int, float)}.get(kind)
        if fits and (not isinstance(v, fits) or (kind in ('integer', 'number') and isinstance(v, bool))):
            out.append(f'{where} must be {kind}, not {json.dumps(v)[:60]}')
            return
        if 'enum' in schema and v not in schema['enum'] and not schema.get('x-ms-enum', {}).get('modelAsString'):  # else there may be more
            out.append(f'{where} must be one of {schema["enum"]}, not {v!r}')
        if isinstance(v, (int, float)) and not isinstance(v, bool):
            if v < schema.get('minimum', v) or v > schema.get('maximum', v):
                out.append(f'{where} is out of range: {v}')
        size = len(v) if isinstance(v, (str, list)) else 0
        low, high = ('minItems', 'maxItems') if isinstance(v, list) else ('minLength', 'maxLength')
        if isinstance(v, (str, list)) and not schema.get(low, 0) <= size <= schema.get(high, size):
            out.append(f'{where} has {size}, which is too few or too many')
        if isinstance(v, str) and not matches(schema.get('pattern', ''), v):
            out.append(f'{where} does not match {schema["pattern"]}: {v[:60]}')
        if isinstance(v, list) and schema.get('uniqueItems') and any(x in v[:i] for i, x in enumerate(v)):
            out.append(f'{where} has one twice')
        if isinstance(v, dict):
            props, more = schema.get('properties', {}), schema.get('additionalProperties', True)
            for name in schema.get('required', ()):
                if name not in v:
                    out.append(f'{where}.{name} is required')
            for name, inner in v.items():
                if name in props:
                    self.value(props[name], inner, f'{where}.{name}', out)
                elif more is False:
                    out.append(f'{where}.{name} is not known')
                elif isinstance(more, dict):
                    self.value(more, inner, f'{where}.{name}', out)
        if isinstance(v, list) and 'items' in schema:
            for i, inner in enumerate(v):
                self.value(schema['items'], inner, f'{where}[{i}]', out)

    def path_values(self, template, path, params, out):
        path = path[len(self.prefix):] if self.prefix and path.startswith(self.prefix) else path
        given = dict(zip(re.findall(r'\{([^}]*)\}', template), next(p for _, p, t, _ in self.paths if t == template).match(path).groups()))
        for p in params:
            if p['in'] == 'path' and p['name'] in given and self.ref(p.get('schema', p)).get('type') == 'string':
                self.value(p.get('schema', p), unquote(given[p['name']]), f'{{{p["name"]}}}', out)

    def request(self, method, url, body):
        """What is wrong with a request, as a list of texts; None: the document says nothing of this path."""
        parts = urlsplit(url)
        found = self.find(method, parts.path)
        if found is None:
            return None
        operation, item, template = found
        if operation is None:
            return [f'{method} is not known for {template}']
        out = []
        params = [self.ref(p) for p in item.get('parameters', []) + operation.get('parameters', [])]
        self.path_values(template, parts.path, params, out)
        known = {p['name']: p for p in params if p['in'] == 'query'}
        given = parse_qs(parts.query, keep_blank_values=True)
        for name, values in given.items():
            if name not in known:
                out.append(f'query parameter {name} is not known')
                continue
            schema = self.ref(known[name].get('schema', known[name]))
            for v in values:
                if schema.get('type') == 'integer':
                    v = int(v) if re.fullmatch(r'-?\d+', v) else v
                elif schema.get('type') == 'boolean':
                    v = {'true': True, 'false': False}.get(v, v)
                self.value(schema, v, f'?{name}', out)
        for name, p in known.items():
            if p.get('required') and name not in given:
                out.append(f'query parameter {name} is required')
        content = self.ref(operation.get('requestBody', {})).get('content', {}).get('application/json')
        content = content or next((p for p in params if p['in'] == 'body'), None)
        if body is not None and content is None:
            out.append(f'{method} {template} takes no body')
        elif body is not None:
            self.value(content['schema'], body, 'body', out)
        return out

    def reply(self, method, url, status, body):
        """The same of a reply to a request."""
        found = self.find(method, urlsplit(url).path)
        if not found or not found[0] or status >= 300:
            return None
        replies = found[0].get('responses', {})
        said = self.ref(replies.get(str(status), replies.get('200', {})))
        content = said if 'schema' in said else said.get('content', {}).get('application/json')
        out = []
        if content:
            self.value(content['schema'], body, 'reply', out)
        return out
