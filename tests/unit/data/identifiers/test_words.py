"""Column names, in five languages and several spellings."""

import pytest

from tabveil.data.identifiers.words import forms_named, names_a_person, read_name

NAMES = {
    "email": "email E-Mail emailAddress e_mail_2 Correo courriel MAIL customer_email",
    "phone": "phone PhoneNumber mobile_phone Telefon Telefonnummer téléphone teléfono Handynummer",
    "national_id": "ssn SSN social_security_number Steuer-ID NINO pesel codice_fiscale passport_no",
    "iban": "iban IBAN_nr Kontonummer bank_account account_number",
    "card": "credit_card card_number Kreditkartennummer tarjeta",
    "ip": "ip ipAddress client_ip IPv4",
    "mac": "mac mac_address MACAddress",
    "address": "address home_address Anschrift Adresse Straße dirección indirizzo street",
    "url": "url website homepage",
    "first_name": "first_name firstName Vorname prénom given_name",
    "last_name": "last_name surname Nachname apellido cognome nom_de_famille familyName",
    "full_name": "name full_name customer_name Nombre nome nom patient",
    "free_text": "comment notes Bemerkungen remarque observaciones nota",
    "key": "id customerID order_number Kundennummer código ticket user_id",
}


@pytest.mark.parametrize(("form", "names"), NAMES.items())
def test_names_of_columns_are_read(form, names):
    assert [name for name in names.split() if form not in forms_named(name)] == []


@pytest.mark.parametrize(
    "name", ["PhoneService", "phone_type", "email_count", "n_emails", "ip_score", "address_status"]
)
def test_a_word_that_turns_the_meaning_voids_it(name):
    assert forms_named(name) == frozenset()


def test_a_mail_address_is_no_street_and_a_postcode_no_key():
    assert forms_named("email_address") == {"email"}
    assert "key" not in forms_named("zip_code")


def test_parts_of_words_do_not_count():
    assert forms_named("shipment") == forms_named("hotel") == forms_named("valid") == frozenset()


def test_words_are_split_at_capitals_and_stripped_of_accents():
    assert read_name("HTTPServerÉtat_2") == "http server etat"
    assert names_a_person("KundenNr")
    assert names_a_person("patient_id")
    assert not names_a_person("storeId")
