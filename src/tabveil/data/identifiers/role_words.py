"""Which names do columns bear that help to recognise somebody, or that would hurt if known?

Words in English, German, French, Spanish and Italian, as `read_name` gives them, by what they
mean. Quasi-identifiers are what a neighbour knows; sensitive is what the law calls special (GDPR,
articles 9 and 10), and money.
"""

from __future__ import annotations

import re

from tabveil.data.identifiers.words import read_name

QUASI = {
    "a birth date": r"birth\w*|dob|geburts\w*|geboren|naissance|nacimiento|nascita|jahrgang",
    "an age": r"age|ages|alter|edad|eta|senior( citizen)?|lebensalter|altersgruppe",
    "a sex": r"sex|gender|geschlecht|sexe|sexo|sesso|genero|genre|genere",
    "a postcode": r"zip( ?code)?|zipcode|post ?codes?|postal( ?code)?|plz|postleitzahl|code postal"
    r"|codigo postal|cap",
    "a place": r"city|town|stadt|ort|wohnort|ville|ciudad|citta|comune|commune|municipality"
    r"|gemeinde|county|state|bundesland|region|provinc\w+|departement|district|bezirk|kreis|neighbou?rhood"
    r"|stadtteil|barrio|quartier\w*|community|latitude|longitude|native country|country( of birth)?"
    r"|land|pays|pais|paese|borough",
    "an origin": r"race|ethnic\w*|ethnie|herkunft|etnia|raza|razza|origine?|nationalit\w+"
    r"|citizenship|nacionalidad|nazionalita|staatsangehorigkeit|staatsburgerschaft|foreign worker"
    r"|migration\w*",
    "a marital status": r"marital( status)?|marriage|familienstand|etat civil|situation familiale"
    r"|estado civil|stato civile|personal status|relationship|partner|married|spouse",
    "a household": r"household ?size|dependents|dependants|children|kinder|enfants|hijos|figli"
    r"|haushalt\w*",
    "a job": r"job|jobs|occupation|profession\w*|beruf\w*|metier|emploi|ocupacion|trabajo|lavoro"
    r"|workclass|employer|arbeitgeber|work type|job title",
    "an education": r"education( num)?|bildung\w*|schulabschluss|formation|diplome|educacion"
    r"|estudios|istruzione|titolo di studio|degree",
}
SENSITIVE = {
    "income or pay": r"incomes?|salar\w+|wages?|earnings|einkommen|gehalt|lohn|revenus?|salaire"
    r"|renta|ingresos|sueldo|reddito|stipendio|pay ?check|capital (gain|loss)|net worth"
    r"|vermogen|savings",
    "health": r"diagnos\w+|disease\w*|illness|krankheit\w*|health\w*|gesundheit\w*|icd( ?code)?|hiv"
    r"|maladie|sante|enfermedad|salud|malattia|salute|medication\w*|medikament\w*|disab\w+"
    r"|behinderung\w*|pregnan\w+|schwanger\w*|mental|depression|surgery|treatment|therap\w+|bmi"
    r"|smok\w+|alcohol|drugs?|blood \w+|cholesterol|diabet\w+|cancer|stroke|allerg\w+|genetic\w*",
    "religion or belief": r"religio\w*|konfession|glaube|faith|church|culte",
    "sex life": r"sexual\w*|orientation|orientierung|lgbt\w*",
    "politics": r"politic\w*|partei|parti|partido|partito|vote[ds]?|wahl|union member\w*"
    r"|gewerkschaft\w*",
    "a criminal record": r"crim\w+|convict\w*|vorstrafe\w*|arrest\w*|offen[cs]e\w*|strafta\w+"
    r"|prison|casier( judiciaire)?|antecedentes|recidiv\w*|delit\w*|reato",
    "credit": r"default(ed)?|credit\w*|kredit\w*|loans?|debts?|schulden|schufa|dette|deuda|debito"
    r"|bankrupt\w*|insolven\w*|mortgage|balance|has default|limit bal|prestamo|pret",
    "origin": r"race|ethnic\w*|ethnie|etnia|raza|razza",
}
# Shares and means over people are nobody's: "agePct12t21", "median income of the county".
_OF_MANY = re.compile(r"\b(pct|percent|avg|average|mean|median|med|per|count|rate|ratio|share)\b")


def meanings(name: str | None, known: dict[str, str]) -> list[str]:
    """What a column's name means, of the meanings known; nothing where it speaks of many people.

    >>> meanings("Geburtsdatum", QUASI), meanings("agePct12t21", QUASI)
    (['a birth date'], [])
    """
    words = read_name(name)
    if _OF_MANY.search(words):
        return []
    return [m for m, pattern in known.items() if re.search(rf"\b(?:{pattern})\b", words)]
