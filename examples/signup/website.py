"""A web site for the tests: it mails a code and wants to hear it again."""


class Website:
    def __init__(self, mailer):
        self.mailer = mailer
        self.registered = []

    def register(self, address):
        self.registered.append(address)
        self.mailer.send(address, "Your Acme code", "Your verification code is 482913.")

    def confirm(self, code):
        return "welcome" if code == "482913" else "wrong code"
