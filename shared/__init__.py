"""What all services share: values, the event contract, the delivery shell, the parts they run on."""
