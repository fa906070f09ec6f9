"""What does a column's name say about it, in English, German, French, Spanish or Italian?

A name is split at underscores and capitals, put in lower case and stripped of accents:
"customerEMail" is read as "customer e mail". Names alone prove nothing: "PhoneService" holds yes
and no. So a word that turns the meaning (type, count, status …) voids the others, and what is left
only lowers the demands on the values.
"""

from __future__ import annotations

import re
from unicodedata import combining, normalize

from tabveil.data.identifiers.lexicon import plain

_NAMED = {
    "email": r"e ?mails?|mail|\w*email\w*|correos?|courriel\w*|posta elettronica",
    "phone": r"tele[fp]\w*|\w*phones?|phone ?numbers?|mobiles?|mobil\w*|handy\w*|cell|tel|fax\w*"
    r"|movil|celular|portable|cellulare|rufnummer|msisdn|whatsapp",
    "iban": r"ibans?|bank ?accounts?|account (number|nr|no)|konto(nummer|nr)?|bankverbindung"
    r"|bankkonto|cuenta( bancaria)?|numero de compte|compte bancaire|conto( corrente)?",
    "card": r"cards?|credit ?cards?|card ?(numbers?|no|nr|num)|kreditkarte\w*"
    r"|carte (de credit|bancaire)|carte bleue|tarjeta\w*|carta di credito|cc ?(num\w*|no|nr)|pan",
    "national_id": r"ssn|social security\w*|sin|sozialversicherung\w*|steuer ?(id\w*|nummer|nr)"
    r"|tax ?id|tin|itin|nino|ni number|national insurance\w*|dni|nie|nif|cif|pesel|nir|insee"
    r"|pass(port|eport|aporte|aporto)\w*|reisepass\w*|codice fiscale|national ?id\w*"
    r"|personalausweis\w*|ausweis\w*|driver s? ?licen\w*|fuhrerschein\w*|cpf|curp|bsn|nhs( \w+)?"
    r"|securite sociale|personnummer|cedula",
    "ip": r"ips?|ipv|ip ?addr\w*|direccion ip|adresse ip|indirizzo ip",
    "mac": r"mac|mac ?addr\w*|adresse mac",
    "uuid": r"uuid|guid",
    "url": r"urls?|web ?sites?|homepage|links?|web ?seite|sit[eio] web|sito|linkedin|facebook",
    "address": r"address\w*|addr|adress\w*|anschrift\w*|streets?|street ?\w+|strasse\w*"
    r"|wohnanschrift|direccion\w*|domicilio|calle|indirizzo|rue|domicile|residence",
    "first_name": r"first ?names?|given ?names?|fore ?names?|middle ?names?|christian name"
    r"|vornamen?|rufname|prenoms?|nombre de pila|(primer|segundo) nombre",
    "last_name": r"last ?names?|sur ?names?|family ?names?|maiden ?name|nachnamen?|familiennamen?"
    r"|zuname|geburtsname|nom de famille|apellidos?|(primer|segundo) apellido|cognom[ei]",
    "full_name": r"full ?name|legal ?name|\w*names?|nombres?( completo| y apellidos)?"
    r"|nome( completo)?|nom( complet| et prenom| prenom)?|nominativo|vollstandiger name"
    r"|kundenname|patient|author|autor|surgeon|physician|contact( person)?"
    r"|ansprechpartner\w*|owner|inhaber",
    "free_text": r"comments?|notes?|notiz\w*|bemerkung\w*|kommentar\w*|remarks?|description"
    r"|beschreibung|freitext|free ?text|commentaires?|remarques?|comentarios?|observacion\w*|note"
    r"|nota|commento|descrizione|reviews?|messages?|nachricht\w*|feedback|narrative|anamnese"
    r"|texto?|testo|texte|complaints?|\w* notes",
    # Run together, but not every word that ends so: unpaid, grid, covid.
    "key": r"id|ids|(?:account|case|client|cust|customer|device|emp|employee|item|member|order"
    r"|owner|passenger|patient|person|policy|product|record|row|student|subject|transaction|user"
    r"|visit)ids?"
    r"|identifier|kennung|key|schlussel|cle|clave|code|codigo|codice|number|no"
    r"|nr|num|\w*nummer|numero|ref|reference|referenz|ticket|account|customer|member|policy|record"
    r"|case|mrn|matricule|matricola|aktenzeichen|token|hash|serial|barcode|vin|licen[sc]e ?plate"
    r"|kennzeichen|plate|imei|user ?name|login|benutzername|nutzername|handle|user|usuario|utente",
}
# A word that makes the column one about the thing, not the thing: a type, a count, a place.
_VOID = re.compile(
    r"\b(types?|typ|tipo|art|kind|class|service|has|is|counts?|anzahl|num of|number of|nb|n"
    r"|nombre de|flag|status|state|opt|optin|verified|valid|domain|provider|length|len|size|scores?"
    r"|calls|minutes|lines|groups?|gruppe|plan|brand|marke|usage|balance|rate|ratio|pct|percent|avg|mean|"
    r"total|sum|year|jahr|annee|ano|anno|date|datum|fecha|data|time|day|month|hour|price|amount|"
    r"cost|fee|age|limit|since|duration|mins|known|visits?|opens?|clicks?)\b"
)
_PERSON = re.compile(
    r"\b(customer|client|cliente?|kund\w+|patient\w*|user|usuario|utente|member|mitglied\w*|person\w*"
    r"|employee|mitarbeiter\w*|passenger|student|subject|account|holder|citizen|mrn|insured|cust)\b"
)
_MEANS = {form: re.compile(rf"(?:^|.*\s)(?:{words})(?:\s.*|$)") for form, words in _NAMED.items()}
_NOT_KEYS = re.compile(
    r"\b(zip|postal|post|postcode|plz|cap|country|state|region|city|icd|area|iso)\b"
)


def read_name(name: str | None) -> str:
    """A column's name as words in lower case, without accents.

    >>> read_name("customerID_Nr2"), read_name("Straße")
    ('customer id nr', 'strasse')
    """
    bare = (c for c in normalize("NFKD", name or "") if not combining(c))
    joined = "".join(bare).replace("IPv", "ipv")
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", joined)
    return " ".join(re.findall(r"[^\W\d_]+", plain(split)))


def forms_named(name: str | None) -> frozenset[str]:
    """The forms that a column's name speaks of.

    >>> sorted(forms_named("E-Mail")), sorted(forms_named("phone_type"))
    (['email'], [])
    """
    words = read_name(name)
    if not words or _VOID.search(words):
        return frozenset()
    named = {form for form, pattern in _MEANS.items() if pattern.fullmatch(words)}
    if named & {"ip", "mac", "email", "url"}:
        named.discard("address")
    if named & {"first_name", "last_name"}:
        named.discard("full_name")
    if _NOT_KEYS.search(words):
        named.discard("key")
    return frozenset(named)


def names_a_person(name: str | None) -> bool:
    """Whether a name speaks of people, as "customer_id" does and "store_id" does not."""
    return bool(_PERSON.search(read_name(name)))
